import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, pods, type Resource, services } from '@kosmos/kube'
import { describeRight, missingRights, type Right } from '../../clusters/rights.ts'
import { type Finding, problem } from '../../findings/finding.ts'
import { Failure } from '../../terminal/failure.ts'
import type { Progress } from '../../terminal/progress.ts'
import { type Inside, type LinkedCluster, type LinkFacts, linkNamespace, type OpenMember } from '../facts.ts'
import { insideOf, viewOf } from '../view.ts'
import { caller, checkLabel, checkService, type Image, responder } from './manifests.ts'
import { type Outcome, outcomeFindings, outcomesIn } from './outcome.ts'
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

const needed: readonly Right[] = [
  ...['create', 'get', 'list', 'delete'].map((verb) => ({ verb, resource: 'pods', namespace: linkNamespace })),
  { verb: 'get', resource: 'pods', subresource: 'log', namespace: linkNamespace },
  ...['create', 'list', 'delete'].map((verb) => ({ verb, resource: 'services', namespace: linkNamespace })),
]

interface Site {
  readonly name: string
  readonly client: Client
  readonly image: Image
  readonly nodes: readonly string[]
}

/** Sends packets between pods that are made for it; nothing of them is left, whatever happens. */
export async function tryPods(options: TryOptions, progress: Progress): Promise<Tried> {
  const run = randomBytes(4).toString('hex')
  return await withSites(options, options.facts.clusters, [], [], async (sites, findings) => {
    const outcomes: Outcome[] = []
    if (sites.length < 2) return { outcomes, findings }
    try {
      const facts = await progress.step('starting check pods', () => startResponders(sites, run, options))
      outcomes.push(...(await progress.step('sending packets', () => startCallers(sites, run, facts, options))))
    } finally {
      await progress.step('removing check pods', () => Promise.all(sites.map(({ client }) => cleanUp(client, run))))
    }
    return { outcomes, findings: [...findings, ...outcomeFindings(outcomes)] }
  })
}

/** Opens all clusters that may be used for the time of the work; says of the others why not. */
async function withSites(
  options: TryOptions,
  [first, ...rest]: readonly LinkedCluster[],
  sites: readonly Site[],
  findings: readonly Finding[],
  work: (sites: readonly Site[], findings: readonly Finding[]) => Promise<Tried>,
): Promise<Tried> {
  if (first === undefined) return await work(sites, findings)
  const refuse = async (what: string, fix: string) =>
    await withSites(
      options,
      rest,
      sites,
      [...findings, { id: 'pods', cluster: first.name, verdict: problem(what, fix) }],
      work,
    )
  const inside = insideOf(first)
  const own = `--cluster-kubeconfig ${first.name}=FILE`
  if (inside === undefined) return await refuse('no check pod can be made: the cluster could not be asked', own)
  if (inside.agents === undefined) {
    const right = describeRight({ verb: 'list', resource: 'pods', namespace: linkNamespace })
    return await refuse(`no check pod can be made: the account may not ${right}`, `use an administrator's: ${own}`)
  }
  const image = imageOf(inside)
  if (image === undefined) {
    return await refuse('no check pod can be made: there is no agent whose image could be used', 'join it with --link')
  }
  let done: Tried | undefined
  await options.open(first.cluster, async (client) => {
    const missing = await missingRights(client, needed)
    if (missing.length > 0) {
      const fix = `give it those rights, or use an administrator's: ${own}`
      done = await refuse(`no check pod can be made: the account may not ${missing.map(describeRight).join(', ')}`, fix)
      return
    }
    const nodes = nodesOf(first, options.everyNode)
    done = await withSites(options, rest, [...sites, { name: first.name, client, image, nodes }], findings, work)
  })
  return done as Tried
}

function imageOf({ agents = [] }: Inside): Image | undefined {
  const { containers = [], imagePullSecrets } = agents[0]?.spec ?? {}
  const image = containers[0]?.image
  return image === undefined ? undefined : { image, ...(imagePullSecrets && { imagePullSecrets }) }
}

/** All nodes; or one, rather behind a gateway than one itself, because its packets go further. */
function nodesOf({ nodes }: LinkedCluster, every: boolean): string[] {
  const names = nodes.map(({ spec }) => spec.nodeName).sort()
  if (every) return names
  const inner = nodes.filter(({ spec }) => !spec.roles?.includes('gateway')).map(({ spec }) => spec.nodeName)
  return [...inner.sort(), ...names].slice(0, 1)
}

async function startResponders(sites: readonly Site[], run: string, { facts, signal }: TryOptions): Promise<WaysFacts> {
  const name = `link-check-${run}`
  const found = await Promise.all(
    sites.map(async ({ name: cluster, client, image, nodes }) => {
      const service = await client.create(services, checkService(name, run))
      if (!service.ok) throw new Failure(`${cluster}: the check Service was not stored: ${service.status.message}`)
      const responders = await Promise.all(
        nodes.map(async (node, index): Promise<Responder> => {
          const pod = `${name}-${index}`
          await create(client, cluster, responder(pod, { run, node, image }))
          const running = await waitFor(client, cluster, pod, startMs, signal, (phase) => phase === 'Running')
          return { cluster, node, addresses: (running.status?.podIPs ?? []).map(({ ip }) => ip) }
        }),
      )
      const { clusterIPs = [] } = service.object.spec ?? {}
      return { responders, service: [cluster, clusterIPs] as const }
    }),
  )
  const { forwarding } = viewOf(facts)
  return {
    network: facts.network,
    responders: found.flatMap(({ responders }) => responders),
    services: new Map(found.map(({ service }) => service)),
    mtuOf: (from, _to, address) => {
      const mtus = forwarding.send(from, undefined, address).hops.flatMap(({ mtu }) => mtu ?? [])
      return mtus.length > 0 ? Math.min(...mtus) : undefined
    },
  }
}

async function startCallers(
  sites: readonly Site[],
  run: string,
  facts: WaysFacts,
  { chosen, signal }: TryOptions,
): Promise<Outcome[]> {
  const isMeant = (cluster: string, to: string) => chosen.has(cluster) || chosen.has(to.split('/')[0] ?? '')
  const jobs = sites.flatMap(({ name: cluster, client, image, nodes }) =>
    nodes.flatMap((node, index) => {
      const from = facts.responders.find((one) => one.cluster === cluster && one.node === node)
      const { pod, node: own } = from ? targetsOf(from, facts) : { pod: [], node: [] }
      return [
        { kind: 'pod', targets: pod, hostNetwork: false },
        { kind: 'node', targets: own, hostNetwork: true },
      ].map(async ({ kind, targets: all, hostNetwork }) => {
        const targets = all.filter(({ to }) => isMeant(cluster, to))
        if (targets.length === 0) return []
        const name = `link-check-${run}-${kind}-${index}`
        await create(client, cluster, caller(name, { run, node, image }, targets, hostNetwork))
        const isOver = (phase: string) => phase === 'Succeeded' || phase === 'Failed'
        await waitFor(client, cluster, name, tryMs, signal, isOver)
        const log = await client.raw(`/api/v1/namespaces/${linkNamespace}/pods/${name}/log`)
        return outcomesIn(String(log), `${cluster}/${node}`)
      })
    }),
  )
  return (await Promise.all(jobs)).flat().sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1))
}

const orderOf = ({ from, way, to, family }: Outcome): string => [from, way, to, family].join(' ')

async function create(client: Client, cluster: string, manifest: Parameters<Client['create']>[1]): Promise<void> {
  const outcome = await client.create(pods, manifest)
  if (!outcome.ok) throw new Failure(`${cluster}: a check pod was not stored: ${outcome.status.message}`)
}

async function waitFor(
  client: Client,
  cluster: string,
  name: string,
  timeoutMs: number,
  signal: AbortSignal,
  isThere: (phase: string) => boolean,
) {
  const until = Date.now() + timeoutMs
  for (;;) {
    if (signal.aborted) throw new Failure('interrupted')
    const pod = await client.get(pods, { namespace: linkNamespace, name })
    const { phase = 'Pending', containerStatuses = [] } = pod?.status ?? {}
    if (pod !== undefined && isThere(phase)) return pod
    if (pod === undefined || phase === 'Failed' || Date.now() > until) {
      const waiting = containerStatuses[0]?.state?.waiting
      const why = waiting ? `${waiting.reason}: ${waiting.message ?? ''}` : (pod?.status?.message ?? phase)
      throw new Failure(`${cluster}: check pod ${name} on ${pod?.spec.nodeName} did not get there: ${why}`, {
        next: `kubectl describe nodes, in ${cluster}: can its nodes start pods?`,
      })
    }
    await sleep(300)
  }
}

/** Deletes everything of a run. */
async function cleanUp(client: Client, run: string): Promise<void> {
  const selector = { namespace: linkNamespace, labelSelector: `${checkLabel}=${run}` }
  for (const resource of [pods, services] as Resource[]) {
    for (const { metadata } of await client.listAll(resource, selector)) {
      const { name = '', uid = '' } = metadata ?? {}
      await client.delete(resource, { namespace: linkNamespace, name }, { uid, gracePeriodSeconds: 1 })
    }
  }
}
