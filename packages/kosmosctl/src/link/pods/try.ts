import { randomBytes } from 'node:crypto'
import { pods, type Resource, services } from '@kosmos/kube'
import { type Finding, problem } from '../../findings/finding.ts'
import { explain } from '../../terminal/explain.ts'
import { Failure } from '../../terminal/failure.ts'
import type { Progress } from '../../terminal/progress.ts'
import { type LinkFacts, linkNamespace, type OpenMember } from '../facts.ts'
import { viewOf } from '../view.ts'
import { caller, checkLabel, checkService, responder } from './manifests.ts'
import { type Outcome, outcomeFindings, outcomesIn } from './outcome.ts'
import { runPod } from './run.ts'
import { type Site, withSites } from './sites.ts'
import { type Responder, targetsOf, type WaysFacts } from './ways.ts'

export interface TryOptions {
  readonly facts: LinkFacts
  readonly open: OpenMember
  /** Ways from or to these. */
  readonly chosen: ReadonlySet<string>
  readonly everyNode: boolean
  readonly signal: AbortSignal
}

export interface Tried {
  readonly outcomes: readonly Outcome[]
  readonly findings: readonly Finding[]
}

const startMs = 90_000
const tryMs = 120_000

/** Sends packets between pods that are made for it; nothing of them is left, whatever happens. */
export async function tryPods(options: TryOptions, progress: Progress): Promise<Tried> {
  const { facts, open, everyNode } = options
  const run = randomBytes(4).toString('hex')
  return await withSites({ clusters: facts.clusters, open, everyNode }, async ({ sites, findings }) => {
    if (sites.length < 2) return { outcomes: [], findings }
    try {
      const ready = await progress.step('starting check pods', () => startResponders(sites, run, options))
      const tried = await progress.step('sending packets', () => startCallers(sites, run, ready.ways, options))
      const all = [...findings, ...ready.findings, ...tried.findings, ...outcomeFindings(tried.outcomes)]
      return { outcomes: tried.outcomes, findings: all }
    } finally {
      await progress.step('removing check pods', () => Promise.all(sites.map((site) => cleanUp(site, run))))
    }
  })
}

/** Waits for all of them, so that nothing is made any more when this ends; what failed is a finding. */
async function settled<T>(
  jobs: readonly { readonly site: Site; readonly work: () => Promise<T> }[],
  signal: AbortSignal,
): Promise<{ readonly values: T[]; readonly findings: Finding[] }> {
  const values: T[] = []
  const findings: Finding[] = []
  await Promise.all(
    jobs.map(async ({ site, work }) => {
      try {
        values.push(await work())
      } catch (error) {
        const { message, next = 'kosmosctl link check again' } = explain(error)
        findings.push({ id: 'pods', cluster: site.name, verdict: problem(message, next) })
      }
    }),
  )
  if (signal.aborted) throw new Failure('interrupted')
  return { values, findings }
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
  if (!outcome.ok) throw new Failure(`${cluster}: the check Service was not stored: ${outcome.status.message}`)
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
          const manifest = caller(name, { run, node, image: site.image }, targets, hostNetwork)
          const isOver = (phase: string) => phase === 'Succeeded' || phase === 'Failed'
          await runPod(site, manifest, { timeoutMs: tryMs, signal }, isOver)
          const log = await site.client.raw(`/api/v1/namespaces/${linkNamespace}/pods/${name}/log`)
          return outcomesIn(String(log), `${site.name}/${node}`)
        },
      }))
    }),
  )
  const { values, findings } = await settled(jobs, signal)
  return { outcomes: values.flat().sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1)), findings }
}

const orderOf = ({ from, way, to, family }: Outcome): string => [from, way, to, family].join(' ')

/** Deletes everything of a run. */
async function cleanUp({ client }: Site, run: string): Promise<void> {
  const selector = { namespace: linkNamespace, labelSelector: `${checkLabel}=${run}` }
  for (const resource of [pods, services] as Resource[]) {
    for (const { metadata } of await client.listAll(resource, selector)) {
      const { name = '', uid = '' } = metadata ?? {}
      await client.delete(resource, { namespace: linkNamespace, name }, { uid, gracePeriodSeconds: 1 })
    }
  }
}
