import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, type KubeObject, type ObjectRef, resource } from '@kosmos/kube'

interface StoredPolicy extends KubeObject {
  readonly status?: {
    readonly allocations?: readonly { readonly name: string; readonly assigned: number }[]
    /** `until`: the node is not asked again before, RFC 3339. */
    readonly refusals?: readonly { readonly node: string; readonly until: string; readonly message: string }[]
  }
}

export const workloadPolicies = resource<StoredPolicy>(
  'kosmos.io/v1alpha1',
  'WorkloadPolicy',
  'workloadpolicies',
  'Namespaced',
)

/** Until pods of a policy may be sent again to where they were refused: the more often that was, the longer it takes. */
export async function pauseIsOver(root: Client, policy: Required<ObjectRef>): Promise<void> {
  const leftMs = async () => {
    const refusals = (await root.get(workloadPolicies, policy))?.status?.refusals ?? []
    return Math.max(0, ...refusals.map(({ until }) => Date.parse(until) - Date.now()))
  }
  for (let ms = await leftMs(); ms > 0; ms = await leftMs()) await sleep(ms)
}
