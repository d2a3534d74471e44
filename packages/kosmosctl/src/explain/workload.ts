import type { Allocation } from '@kosmos/api'
import { type Client, isForbidden, type KubeObject, type Resource, resource } from '@kosmos/kube'
import { explainWorkload, type ShareExplanation, type WorkloadExplanation } from '@kosmos/scheduler'
import { type Outcome, obstacles, outcomesOf } from '../placement/outcome.ts'
import type { Unread } from '../placement/reading.ts'
import { readWorld } from '../placement/world.ts'
import { Failure } from '../terminal/failure.ts'

/** The shares of a workload, and what is in their way. */
export interface WorkloadReport {
  readonly workload: string
  readonly pods: number
  /** The WorkloadPolicy that places them; undefined: none does. */
  readonly policy:
    | { readonly name: string; readonly topologyKey: string; readonly countedTogetherWith: number }
    | undefined
  readonly shares: readonly (Omit<ShareExplanation, 'offer'> & { readonly why: string | undefined })[]
  /** How many more get their places when the scheduling gates of others are gone. */
  readonly atOtherGates: number
  /** Where no share is. */
  readonly elsewhere: number
  readonly waiting: readonly Outcome[]
  /** What `rebalance` of the policy does next; undefined: it is not asked for, or nothing is to be moved. */
  readonly rebalance: string | undefined
  /** Nodes that are not asked for a while. */
  readonly refusals: readonly string[]
  /** What could not be read. What depends on it is left out: why shares are missing, what is waited for, and what is moved. */
  readonly unread: readonly Unread[]
}

const apps = (kind: 'Deployment' | 'StatefulSet' | 'ReplicaSet') =>
  [kind, resource('apps/v1', kind, `${kind.toLowerCase()}s`, 'Namespaced')] as const
/** In the order in which a name alone is looked for. */
const kinds = new Map<'Deployment' | 'StatefulSet' | 'ReplicaSet' | 'Job', Resource<KubeObject>>([
  apps('Deployment'),
  apps('StatefulSet'),
  ['Job', resource('batch/v1', 'Job', 'jobs', 'Namespaced')],
  apps('ReplicaSet'),
])

/**
 * Says what shares a workload was asked to have, what it has, and what is in the way, by the function that decides in the
 * scheduler; changes nothing.
 * @param name `web`, or with its kind: `deployment/web`
 * @throws Failure if there is no such workload
 */
export async function reportWorkload(
  root: Client,
  { namespace, name: text }: { readonly namespace: string; readonly name: string },
): Promise<WorkloadReport> {
  const { kind, name } = await find(root, namespace, text)
  const { world, unread, decides } = await readWorld(root, namespace)
  const found = explainWorkload(world, { kind, namespace, name })
  const workload = `${kind} ${namespace}/${name}`
  const none = {
    workload,
    pods: 0,
    policy: undefined,
    shares: [],
    atOtherGates: 0,
    elsewhere: 0,
    waiting: [],
    rebalance: undefined,
    refusals: [],
    unread,
  }
  if (found === undefined) return none
  const { policy, pods, others, shares, atOtherGates, elsewhere, waiting, rebalance, refusals } = found
  return {
    workload,
    pods,
    policy: { name: policy.name, topologyKey: policy.topologyKey, countedTogetherWith: others },
    shares: shares.map(({ offer, ...share }) => ({
      ...share,
      why: decides ? whyMissing({ offer, ...share }) : undefined,
    })),
    atOtherGates,
    elsewhere,
    waiting: decides ? outcomesOf(waiting) : [],
    rebalance: decides ? nextMove(rebalance) : undefined,
    refusals: refusals
      .filter(({ until }) => until > Date.now())
      .map(
        ({ node, tries, until, message }) =>
          `${node} until ${new Date(until).toISOString()}, after ${tries === 1 ? '1 try' : `${tries} tries`}: ${message}`,
      ),
    unread,
  }
}

function nextMove(rebalance: WorkloadExplanation['rebalance']): string | undefined {
  if (rebalance.kind === 'evict')
    return `evicts ${rebalance.pod.metadata.name}, whose successor goes to ${rebalance.value}`
  if (rebalance.why === 'settling')
    return 'moves none while pods wait, or as many are not Ready as maxUnavailable allows'
  if (rebalance.why === 'stuck')
    return 'moves none: there is no room where they belong, or they have claims, belong to a Job, or have no controller'
  return undefined
}

function whyMissing({ missing, offer }: ShareExplanation): string | undefined {
  // It will be missing as soon as there are pods.
  if (offer === 'noValue') return obstacles[offer]
  if (missing === 0 || offer === undefined) return undefined
  if (offer === 'room')
    return 'it would take them now; pods that have another place stay there until they are made anew'
  if (offer === 'byPreemption') return 'pods of a lower priority would be preempted for the next one'
  return obstacles[offer]
}

async function find(root: Client, namespace: string, text: string) {
  const slash = text.indexOf('/')
  const [wanted, name] = slash < 0 ? [undefined, text] : [text.slice(0, slash).toLowerCase(), text.slice(slash + 1)]
  let forbidden: Error | undefined
  for (const [kind, resource] of kinds) {
    const names = [kind.toLowerCase(), resource.plural]
    if (wanted !== undefined && !names.includes(wanted)) continue
    try {
      if ((await root.getMetadata(resource, { namespace, name })) !== undefined) return { kind, name }
    } catch (error) {
      // It may be of another kind.
      if (!isForbidden(error)) throw error
      forbidden ??= error
    }
  }
  if (forbidden) throw forbidden
  throw new Failure(`the root has no workload ${text} in the namespace ${namespace}`, {
    next: `name its namespace with -n; kinds that are looked for are ${[...kinds.keys()].join(', ')}`,
  })
}

/** What an allocation asks for, in words. */
export function askedOf({ replicas, weight, min, max }: Allocation): string {
  if (replicas !== undefined) return `${replicas}`
  const bounds = [min === undefined ? [] : [`min ${min}`], max === undefined ? [] : [`max ${max}`]].flat()
  return [`weight ${weight}`, ...bounds].join(', ')
}
