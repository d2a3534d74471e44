import { systemNamespace } from '@kosmos/api'
import { clockVerdict } from '../findings/clock.ts'
import { type Check, ok, problem, skipped, type Verdict, warning } from '../findings/finding.ts'
import { idleController } from '../findings/idle-controller.ts'
import { rootVersionVerdict } from '../findings/version.ts'
import { admissionVerdict } from './admission.ts'
import { tunnelDistribution, tunnelFix } from './distribution.ts'
import { probeVerdict } from './kubelet-probe.ts'
import type { RootFacts } from './root-facts.ts'
import { signerVerdict } from './serving-requests.ts'

/** Three renewals of a leader, or of a node, may fail before it counts as gone. */
const leaseFreshMs = 45_000

/** What can be wrong with the root's own set-up. */
export const rootChecks: readonly Check<RootFacts>[] = [
  { id: 'root-version', run: ({ version }) => rootVersionVerdict(version) },
  { id: 'root-clock', run: ({ clockOffsetMs }) => clockVerdict('the root', clockOffsetMs) },
  { id: 'crds', run: crds },
  { id: 'controller', run: controller },
  { id: 'controller-version', run: controllerVersion },
  { id: 'placement-admission', run: ({ admission }) => admissionVerdict(admission) },
  { id: 'egress-tunnel', run: egressTunnel },
  { id: 'node-addresses', run: nodeAddresses },
  { id: 'kubelet-api', run: kubeletApi },
  {
    id: 'serving-signer',
    run: ({ servingRequests, virtualNodes, now }) => {
      const users = new Set(virtualNodes.map(({ metadata }) => `system:node:${metadata.name}`))
      const account = `system:serviceaccount:${systemNamespace}:clustertree`
      return signerVerdict(servingRequests, (user) => users.has(user) || user === account, now)
    },
  },
]

function crds({ definition }: RootFacts): Verdict {
  const fix = 'kosmosctl install --crds-only'
  switch (definition) {
    case 'current':
      return ok('the kinds of kosmos.io are those of this version')
    case 'missing':
      return problem('the root does not know the kind Cluster', fix)
    case 'other':
      return warning('the definition of the kind Cluster is of another version of Kosmos', fix)
  }
}

function controller({ leases, controller, now }: RootFacts): Verdict {
  const renewed = leases.map(({ spec }) => Date.parse(String(spec?.renewTime ?? '')))
  const last = Math.max(...renewed.filter((time) => !Number.isNaN(time)))
  if (now - last < leaseFreshMs) return ok('a controller is at work')
  const since = Number.isFinite(last) ? `for ${Math.round((now - last) / 1000)} s` : 'so far'
  const { what, fix } = idleController(controller)
  return problem(`no controller has been at work ${since}; ${what}`, fix)
}

function controllerVersion({ controller: { deployment } }: RootFacts): Verdict {
  if (deployment === undefined) return skipped('the controllers are not installed in the root itself')
  return ok(`the controllers are ${deployment.spec.template.spec.containers[0]?.image ?? 'of unknown version'}`)
}

function egressTunnel({ version, nodes, probes }: RootFacts): Verdict {
  const distribution = tunnelDistribution(version, nodes)
  if (distribution === undefined) return ok('the root is not known to reach nodes through a tunnel')
  const fix = tunnelFix(distribution)
  if (probes.some(({ code }) => code === 200)) return ok(`the root is ${distribution}, and reaches virtual nodes`)
  const what = `the root is ${distribution}, whose API server reaches nodes through a tunnel that virtual nodes do not have: logs and exec fail`
  return probes.length > 0 ? problem(what, fix) : warning(`${what} unless it is switched off`, fix)
}

function nodeAddresses({ virtualNodes }: RootFacts): Verdict {
  const without = virtualNodes.filter(
    ({ status }) => !status?.addresses?.some(({ type }) => type === 'InternalIP' || type === 'InternalDNS'),
  )
  if (without.length === 0) return ok('every virtual node has an internal address')
  return problem(
    `${without.map(({ metadata }) => metadata.name).join(', ')} has no InternalIP: logs and exec fail`,
    'give the controllers --node-address (in the Deployment: the pod IP)',
  )
}

function kubeletApi({ probes, version, nodes }: RootFacts): Verdict {
  if (probes.length === 0) return skipped('there is no virtual node yet')
  const distribution = tunnelDistribution(version, nodes)
  const verdicts = probes.map((found) => probeVerdict(found, distribution))
  const worst = (['problem', 'warning', 'skipped'] as const)
    .map((status) => verdicts.find((verdict) => verdict.status === status))
    .find((verdict) => verdict !== undefined)
  return worst ?? ok(`the API server reaches ${probes.map(({ node }) => node).join(', ')}: logs and exec work`)
}
