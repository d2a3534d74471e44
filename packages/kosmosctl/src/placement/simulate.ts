import { clusterLabel } from '@kosmos/api'
import type { Client } from '@kosmos/kube'
import { type Candidate, candidatesOf, isOfWorkload, simulate, type World, without } from '@kosmos/scheduler'
import { Failure } from '../terminal/failure.ts'
import { admitted, readAdmission } from './admitted.ts'
import { applied } from './applied.ts'
import { type Outcome, outcomesOf } from './outcome.ts'
import { podsOf, readManifest, replicasOf } from './workload.ts'
import { readWorld } from './world.ts'

export interface SimulateOptions {
  /** Manifest of one workload, and of policies that count as if they were in the root. */
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
}

/**
 * What would become of a workload that is created in the root now, by the function that decides there; changes nothing. Pods
 * of it that exist are taken as not there: it is placed from scratch.
 * @throws Failure for a manifest that cannot be used, or a Cluster without virtual nodes
 */
export async function simulateWorkload(root: Client, options: SimulateOptions): Promise<Simulation> {
  const { workload, policies, distributions } = readManifest(options.manifest, options.namespace)
  const namespace = workload.metadata.namespace ?? options.namespace
  const replicas = options.replicas ?? replicasOf(workload)
  const world = await readWorld(root)
  const { kind, metadata } = workload
  const isOther = (pod: World['pods'][number]) =>
    pod.metadata.namespace !== namespace || !isOfWorkload(pod, { kind, name: metadata.name })
  const now = new Date().toISOString()
  const asked = {
    ...world,
    pods: world.pods.filter(isOther),
    policies: applied(world.policies, policies, now),
    distributions: applied(world.distributions, distributions, now),
  }
  const counted = leavingOut(asked, options.without)
  const admission = await readAdmission(root, namespace)
  const created = podsOf(workload, namespace, replicas).map((pod) => admitted(pod, admission))
  const decisions = simulate(counted, created)
  const anyRoom = created[decisions.findIndex((decision) => decision.kind === 'anyRoom')]
  return {
    workload: `${kind} ${namespace}/${metadata.name}`,
    replicas,
    policy: decisions.find(({ policy }) => policy)?.policy?.name,
    outcomes: outcomesOf(decisions),
    candidates: anyRoom ? candidatesOf(counted, anyRoom) : [],
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
