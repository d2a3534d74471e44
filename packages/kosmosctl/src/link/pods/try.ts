import { randomBytes } from 'node:crypto'
import { pods, type Resource, services } from '@kosmos/kube'
import type { Finding } from '../../findings/finding.ts'
import { Failure } from '../../terminal/failure.ts'
import type { Progress } from '../../terminal/progress.ts'
import type { LinkFacts, OpenMember } from '../network/facts.ts'
import { viewOf } from '../network/view.ts'
import { ask } from './ask.ts'
import { cleanUp } from './clean-up.ts'
import { caller, checkService, responder } from './manifests.ts'
import { type Outcome, outcomeFindings } from './outcome.ts'
import { runPod } from './run.ts'
import { settled } from './settled.ts'
import { afterRefusal, podRights, type Site, serviceRights, withSites } from './sites.ts'
import { measureThroughput } from './throughput.ts'
import { type Responder, targetsOf, type WaysFacts } from './ways.ts'

export interface TryOptions {
  readonly facts: LinkFacts
  readonly open: OpenMember
  /** Ways from or to these. */
  readonly chosen: ReadonlySet<string>
  readonly everyNode: boolean
  /** Also how much a connection carries. */
  readonly throughput: boolean
  readonly signal: AbortSignal
}

export interface Tried {
  readonly outcomes: readonly Outcome[]
  readonly findings: readonly Finding[]
}

const startMs = 90_000

/** Sends packets between pods that are made for it; nothing of them is left, whatever happens. */
export async function tryPods(options: TryOptions, progress: Progress): Promise<Tried> {
  const { facts, open, everyNode } = options
  const run = randomBytes(4).toString('hex')
  const rights = [...podRights, ...serviceRights]
  return await withSites({ clusters: facts.clusters, open, everyNode, rights }, async ({ sites, findings }) => {
    if (sites.length < 2) return { outcomes: [], findings }
    try {
      const ready = await progress.step('starting check pods', () => startResponders(sites, run, options))
      const tried = await progress.step('sending packets', () => startCallers(sites, run, ready.ways, options))
      const measured = await measure(sites, run, ready.ways, options, progress)
      const outcomes = [...tried.outcomes, ...measured.outcomes].sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1))
      const told = [...ready.findings, ...tried.findings, ...measured.findings]
      return { outcomes, findings: [...findings, ...told, ...outcomeFindings(outcomes)] }
    } finally {
      await progress.step('removing check pods', () =>
        Promise.all(sites.map(({ client }) => cleanUp(client, run, [pods, services] as Resource[]))),
      )
    }
  })
}

async function measure(
  sites: readonly Site[],
  run: string,
  ways: WaysFacts,
  { throughput, chosen, signal }: TryOptions,
  progress: Progress,
): Promise<Tried> {
  if (!throughput) return { outcomes: [], findings: [] }
  return await progress.step('measuring throughput', () => measureThroughput({ sites, run, ways, chosen, signal }))
}

async function startResponders(sites: readonly Site[], run: string, { facts, signal }: TryOptions) {
  const name = `link-check-${run}`
  const found = await settled(
    sites.map((site) => ({ site, work: async () => [site.name, await createService(site, name, run)] as const })),
    signal,
  )
  const started = await settled(
    sites.flatMap((site) =>
      site.nodes.map((node, index) => ({
        site,
        work: async (): Promise<Responder> => {
          const manifest = responder(`${name}-${index}`, { run, node, image: site.image })
          const pod = await runPod(site, manifest, { timeoutMs: startMs, signal }, (phase) => phase === 'Running')
          const addresses = (pod.status?.podIPs ?? []).map(({ ip }) => ip)
          return { cluster: site.name, node, addresses }
        },
      })),
    ),
    signal,
  )
  const { forwarding } = viewOf(facts)
  const ways: WaysFacts = {
    network: facts.network,
    responders: started.values,
    services: new Map(found.values),
    mtuOf: (from, address) => {
      const mtus = forwarding.send(from, undefined, address).hops.flatMap(({ mtu }) => mtu ?? [])
      return mtus.length > 0 ? Math.min(...mtus) : undefined
    },
  }
  return { ways, findings: [...found.findings, ...started.findings] }
}

async function createService({ name: cluster, client }: Site, name: string, run: string): Promise<readonly string[]> {
  const outcome = await client.create(services, checkService(name, run))
  if (!outcome.ok) {
    throw new Failure(`${cluster}: the check Service was not stored: ${outcome.status.message}`, afterRefusal(cluster))
  }
  return outcome.object.spec?.clusterIPs ?? []
}

async function startCallers(
  sites: readonly Site[],
  run: string,
  ways: WaysFacts,
  { chosen, signal }: TryOptions,
): Promise<Tried> {
  const jobs = sites.flatMap((site) =>
    site.nodes.flatMap((node, index) => {
      const from = ways.responders.find((one) => one.cluster === site.name && one.node === node)
      const { pod, node: own } = from ? targetsOf(from, ways) : { pod: [], node: [] }
      return [
        { name: `link-check-${run}-pod-${index}`, targets: pod, hostNetwork: false },
        { name: `link-check-${run}-node-${index}`, targets: own, hostNetwork: true },
      ].map(({ name, targets: all, hostNetwork }) => ({
        site,
        work: async (): Promise<Outcome[]> => {
          const isMeant = (to: string) => chosen.has(site.name) || chosen.has(to.split('/')[0] ?? '')
          const targets = all.filter(({ to }) => isMeant(to))
          if (targets.length === 0) return []
          return await ask(site, node, caller(name, { run, node, image: site.image }, targets, hostNetwork), signal)
        },
      }))
    }),
  )
  const { values, findings } = await settled(jobs, signal)
  return { outcomes: values.flat(), findings }
}

const orderOf = ({ from, way, to, family }: Outcome): string => [from, way, to, family].join(' ')
