import { contains, parseCidr } from '@kosmos/kube/addresses'
import { type Finding, ok, problem, warning } from '../../findings/finding.ts'
import { some } from '../listed.ts'
import type { Target, Way } from './ways.ts'

/** What came of a try. */
export interface Outcome extends Target {
  readonly from: string
  readonly works: boolean
  readonly why?: string
  /** Of a large packet. */
  readonly size?: number
  /** What a single connection carried. */
  readonly bitsPerSecond?: number
  /** The address of the caller, as the callee saw it. */
  readonly seenAs?: string
}

/** The lines of a caller's log. Lines that are not for us are left out. Pure. */
export function outcomesIn(log: string, from: string): Outcome[] {
  return log
    .split('\n')
    .filter((line) => line.startsWith('RESULT '))
    .map((line) => ({ ...(JSON.parse(line.slice('RESULT '.length)) as Omit<Outcome, 'from'>), from }))
}

const advice: Readonly<Record<Way, string>> = {
  'pod → pod':
    'kosmosctl link check --nodes tells whether the nodes reach each other; if they do, look for a NetworkPolicy, or a rule of the CNI that drops or translates what comes from elsewhere',
  'node → pod':
    'the node calls from an address of bridgeCIDRs or localCIDRs: does a NetworkPolicy or firewall let these in?',
  'pod → Service':
    'does the Service work inside its own cluster? Is its network in spec.clusterLinkOptions.serviceCIDRs?',
  'large packets':
    'the network between the nodes carries less than the MTU of its interfaces says: lower the MTU of the interface on both nodes (tunnels follow it), or let ICMP "fragmentation needed" pass',
  throughput: 'if small packets pass, try large ones: the line large packets tells whether they fit',
}

/** One finding for each way that fails somewhere, for callers that are seen as somebody else, or that all is well. Pure. */
export function outcomeFindings(outcomes: readonly Outcome[]): Finding[] {
  const id = 'pods'
  const failures = outcomes.filter(({ works }) => !works)
  const failed = Map.groupBy(
    failures.filter((one) => !followsFrom(one, failures)),
    ({ way }) => way,
  )
  const findings: Finding[] = [...failed].map(([way, ones]) => {
    const named = ones.map(({ from, to, why }) => `${from} → ${to} (${why ?? 'no answer'})`)
    return { id, verdict: problem(`${way} fails: ${some(named)}`, advice[way]) }
  })
  const masked = outcomes.filter(isMasked)
  if (masked.length > 0) {
    const named = masked.map(({ from, to, seenAs }) => `${from} → ${to}: ${seenAs} is no address of its pods`)
    const verdict = warning(
      `the callee does not see who calls: ${some(named)}`,
      'something masquerades between the pods: NetworkPolicies by address will not match; look at the rules of the CNI',
    )
    findings.push({ id, verdict })
  }
  if (findings.length > 0) return findings
  return outcomes.length > 0 ? [{ id, verdict: ok(`${outcomes.length} tries with packets of pods, all worked`) }] : []
}

/** Where no packet passes, that large ones do not is no news. */
function followsFrom({ way, from, to, family }: Outcome, failures: readonly Outcome[]): boolean {
  if (way !== 'large packets' && way !== 'throughput') return false
  return failures.some((one) => one.way === 'pod → pod' && one.from === from && one.to === to && one.family === family)
}

function isMasked({ works, seenAs, expected = [] }: Outcome): boolean {
  if (!works || seenAs === undefined || expected.length === 0) return false
  return !expected.some((network) => contains(parseCidr(network), parseCidr(seenAs)))
}
