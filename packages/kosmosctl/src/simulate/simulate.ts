import { clusterLabel } from '@kosmos/api'
import type { Client } from '@kosmos/kube'
import { type Candidate, candidatesOf, isOfWorkload, simulate, type World, without } from '@kosmos/scheduler'
import { misnamedIn } from '../explain/placed-by.ts'
import { reachesIn, readClaimsOf } from '../placement/claims.ts'
import { type Outcome, outcomesOf } from '../placement/outcome.ts'
import { readAll, type Unread, unreadText } from '../placement/reading.ts'
import { readWorld } from '../placement/world.ts'
import { Failure } from '../terminal/failure.ts'
import { admitted, readAdmission } from './admission/admitted.ts'
import { applied, appliedNamespaces, appliedOver } from './admission/applied.ts'
import { type Allowance, allowance, type ResourceQuota, resourceQuotas } from './admission/quota.ts'
import { areScopesKnown } from './admission/quota-scopes.ts'
import { askedAboutPods, webhookConfigurations } from './admission/webhooks.ts'
import { podsOf, readManifest, replicasOf } from './workload.ts'

export interface SimulateOptions {
  /** Manifest of one workload, and of policies, namespaces, quotas, limits and classes that count as if they were in the root. */
  readonly manifest: string
  readonly namespace: string
  /** Default: as the manifest says. */
  readonly replicas?: number | undefined
  /** A Cluster that is to be away. */
  readonly without?: string | undefined
}

export interface Simulation {
  readonly workload: string
  readonly replicas: number
  /** The WorkloadPolicy that places the pods; undefined: none does. */
  readonly policy: string | undefined
  readonly outcomes: readonly Outcome[]
  /** Where no share decides: the nodes that would take the first pod, the best first. */
  readonly candidates: readonly Candidate[]
  /** What this cannot say, a sentence each: what could not be read, and who else may have a say in it. */
  readonly notes: readonly string[]
}

/**
 * What would become of a workload that is created in the root now, by the function that decides there; changes nothing. Pods
 * of it that exist are taken as not there: it is placed from scratch.
 * @throws Failure for a manifest that cannot be used, or a Cluster without virtual nodes
 */
export async function simulateWorkload(root: Client, options: SimulateOptions): Promise<Simulation> {
  const manifest = readManifest(options.manifest, options.namespace)
  const { workload, policies, distributions, namespaces } = manifest
  const namespace = workload.metadata.namespace ?? options.namespace
  const replicas = options.replicas ?? replicasOf(workload)
  const { world, admission, notes, ...ofRoot } = await readRoot(root, namespace)
  const quotas = appliedOver(ofRoot.quotas, manifest.quotas)
  const { kind, metadata } = workload
  const isOther = (pod: World['pods'][number]) =>
    pod.metadata.namespace !== namespace || !isOfWorkload(pod, { kind, name: metadata.name })
  const now = new Date().toISOString()
  const asked = {
    ...world,
    pods: world.pods.filter(isOther),
    policies: applied(world.policies, policies, now),
    distributions: applied(world.distributions, distributions, now),
    namespaces: appliedNamespaces(world.namespaces, namespaces),
  }
  const counted = leavingOut(asked, options.without)
  const own = appliedNamespaces(admission.namespace ? [admission.namespace] : [], namespaces)
  const inAdmission = {
    priorities: admission.priorities && appliedOver(admission.priorities, manifest.priorities),
    runtimes: admission.runtimes && appliedOver(admission.runtimes, manifest.runtimes),
    ranges: appliedOver(admission.ranges, manifest.ranges),
    namespace: own.find(({ metadata }) => metadata.name === namespace),
  }
  const wanted = podsOf(workload, namespace, replicas).map((pod) => admitted(pod, inAdmission))
  const inNamespace = asked.pods.filter((pod) => pod.metadata.namespace === namespace)
  const allowed = allowance(wanted, inNamespace, quotas)
  const created = wanted.slice(0, allowed.pods)
  const claims = await readClaimsOf(root, created)
  const reaches = reachesIn(claims)
  const decisions = simulate({ ...counted, reaches }, created)
  const missing = wanted[0] && misnamedIn(wanted[0], asked.policies)
  const anyRoom = created[decisions.findIndex((decision) => decision.kind === 'anyRoom')]
  return {
    workload: `${kind} ${namespace}/${metadata.name}`,
    replicas,
    policy: decisions.find(({ policy }) => policy)?.policy?.name,
    outcomes: [...outcomesOf(decisions), ...refusedBy(allowed, replicas)],
    candidates: anyRoom ? candidatesOf({ ...counted, reaches }, anyRoom) : [],
    notes: [
      ...(missing === undefined ? [] : [`of each pod: ${missing}`]),
      ...claims.unread.map(uncounted),
      ...notes,
      ...quotas.filter(({ spec = {} }) => !areScopesKnown(spec)).map(uncountedQuota),
    ],
  }
}

const uncounted = (one: Unread) => `not counted, since they could not be read: ${unreadText(one)}`

const uncountedQuota = ({ metadata }: ResourceQuota) =>
  `ResourceQuota ${metadata.name} has scopes that kosmosctl does not know, and may refuse pods: that is not counted`

/** Pods that would not even be made. */
function refusedBy({ pods, by }: Allowance, replicas: number): Outcome[] {
  if (by === undefined) return []
  const what = `is not made: ResourceQuota ${by.quota} refuses it (${by.resource})`
  return [{ value: undefined, node: undefined, pods: replicas - pods, what }]
}

/**
 * What a simulation is made of.
 * @throws Failure if nodes may not be read
 */
async function readRoot(root: Client, namespace: string) {
  const [seen, admission, quotas, ...webhooks] = await Promise.all([
    readWorld(root, namespace),
    readAdmission(root, namespace),
    readAll(root, resourceQuotas, { namespace }),
    ...webhookConfigurations.map((kind) => readAll(root, kind)),
  ])
  const nodes = seen.unread.find(({ what }) => what === 'nodes')
  if (nodes) {
    throw new Failure(`without the nodes of the root nothing can be foreseen: ${nodes.why}`, {
      next: 'use a kubeconfig of somebody who may list nodes',
    })
  }
  const ofQuota = quotas.unread && !quotas.unread.isOfOthers ? [quotas.unread] : []
  const missing = [...seen.unread, ...admission.unread, ...ofQuota, ...webhooks.flatMap(({ unread }) => unread ?? [])]
  const own = quotas.items.filter(({ metadata }) => metadata.namespace === namespace)
  const asked = askedAboutPods(webhooks.flatMap(({ items }) => items))
  return {
    world: seen.world,
    admission,
    quotas: own,
    notes: [
      ...missing.map(uncounted),
      ...(asked.length > 0
        ? [`webhooks of others may change pods or refuse them, and were not asked: ${asked.join(', ')}`]
        : []),
    ],
  }
}

function leavingOut(world: World, cluster: string | undefined): World {
  if (cluster === undefined) return world
  if (!world.nodes.some(({ metadata }) => metadata.labels?.[clusterLabel] === cluster)) {
    throw new Failure(`no virtual node stands for a Cluster "${cluster}"`, {
      next: 'kosmosctl get clusters lists them',
    })
  }
  return without(world, cluster)
}
