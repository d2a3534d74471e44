import { isDeepStrictEqual } from 'node:util'
import { type ClusterLinkPolicyStatus, type Condition, clusterLinkPolicyCondition, withCondition } from '@kosmos/api'
import {
  type Change,
  Controller,
  type ControllerOptions,
  isGone,
  type Requeue,
  refused,
  type StoredCluster,
  timestamp,
} from '@kosmos/kube'
import { chosenBy, type Subject, unknownNames } from '../../plan/policies.ts'
import { listed } from '../conditions/listed.ts'
import type { LinkState } from '../link-state.ts'
import { subjectsOf, takesPart } from '../plans/link-network.ts'
import { clusterLinkPolicies, type StoredLinkPolicy } from '../resources.ts'

export interface PoliciesOptions {
  readonly state: LinkState
  readonly onReconcile?: ControllerOptions<string>['onReconcile']
}

/** Writes into each ClusterLinkPolicy whom it means. */
export class PoliciesController {
  readonly controller: Controller
  readonly #state: LinkState

  constructor({ state, onReconcile }: PoliciesOptions) {
    this.#state = state
    this.controller = new Controller({
      name: 'link-policies',
      reconcile: (name) => this.#reconcile(name),
      ...(onReconcile && { onReconcile }),
    })
    state.policies.subscribe(() => {
      for (const policy of this.#all()) this.controller.enqueue(policy)
    })
    this.controller.watch(state.clusters, (change) => (isOtherSubject(change) ? this.#all() : []))
    this.controller.waitFor(state.synced)
  }

  #all(): string[] {
    return this.#state.policies.all.map(({ metadata }) => metadata.name)
  }

  async #reconcile(name: string): Promise<Requeue> {
    const { root, policies, clusters } = this.#state
    const policy = policies.get(name)
    if (policy === undefined) return
    const now = timestamp(Date.now())
    const status = policyStatus(policy, subjectsOf(clusters.store.values()), now)
    if (isDeepStrictEqual(status, policy.status)) return
    const patch = { metadata: { uid: policy.metadata.uid }, status }
    const write = { type: 'merge', subresource: 'status' } as const
    const outcome = await root.patch(clusterLinkPolicies, { name }, patch, write)
    if (outcome.ok || isGone(outcome)) return
    throw refused(`ClusterLinkPolicy ${name}: status cannot be written`, outcome)
  }
}

/** What the status of a policy should say. @param now RFC 3339 */
export function policyStatus(
  policy: Pick<StoredLinkPolicy, 'metadata' | 'spec' | 'status'>,
  subjects: readonly Subject[],
  now: string,
): ClusterLinkPolicyStatus {
  const { metadata, spec, status } = policy
  const rule = { name: metadata.name, spec }
  const chosen = chosenBy(rule, subjects)
  const unknown = unknownNames(rule, subjects)
  const observed = { observedGeneration: metadata.generation ?? 0 }
  const condition =
    unknown.length > 0
      ? clusterLinkPolicyCondition('NameUnknown', { ...observed, detail: listed(unknown) })
      : clusterLinkPolicyCondition(chosen.clusters.length > 0 ? 'AllFound' : 'NoneSelected', observed)
  const before = (status?.conditions ?? []) as readonly Condition[]
  return { ...observed, ...chosen, conditions: [...withCondition(before, condition, now)] }
}

/** Whether policies may select another set of clusters now. */
function isOtherSubject(change: Change<StoredCluster>): boolean {
  if (change.type !== 'updated') return true
  const seen = (cluster: StoredCluster) => [takesPart(cluster), cluster.metadata.labels]
  return !isDeepStrictEqual(seen(change.old), seen(change.object))
}
