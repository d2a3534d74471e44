import type { RefusalStatus } from '@kosmos/api'
import { formatResources, parseResources } from '@kosmos/kube'
import type { Refusal } from '../nodes/refusals.ts'
import type { StoredPolicy } from '../policies/compiled-policy.ts'

/** The status holds so many; what is left out is not forgotten by the leader that knows it. */
const MOST = 100

/** Refusals as the status of a policy has them, so that the next leader and `kosmosctl` know of them as well. */
export function writtenRefusals(refusals: readonly Refusal[]): RefusalStatus[] {
  return refusals.slice(-MOST).map(({ node, requests, tries, until, machines, message }) => ({
    node,
    requests: formatResources(requests),
    tries,
    machines,
    until: new Date(until).toISOString(),
    message: message.slice(0, 1024),
  }))
}

/** The inverse of {@link writtenRefusals}. */
export function readRefusals({ status }: StoredPolicy): Refusal[] {
  return (status?.refusals ?? []).map(({ requests, until, ...rest }) => ({
    ...rest,
    requests: parseResources(requests),
    until: Date.parse(until),
  }))
}
