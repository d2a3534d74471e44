import type { ServerResponse } from 'node:http'
import type { Pod } from '@kosmos/kube'
import { sendJson } from '../answer.ts'
import type { RequestContext } from './context.ts'
import type { RouteParams } from './params.ts'

/** GET /pods: a PodList of the pods bound to the node, as the root has them */
export async function pods(
  _params: RouteParams,
  _query: URLSearchParams,
  response: ServerResponse,
  { node }: RequestContext,
): Promise<void> {
  sendJson(response, podList([...node.pods.list()].map(({ apiVersion: _, kind: __, ...pod }) => pod)))
}

/** GET /runningpods/: a PodList that says of pods with running containers what a container runtime knows */
export async function runningPods(
  _params: RouteParams,
  _query: URLSearchParams,
  response: ServerResponse,
  { node }: RequestContext,
): Promise<void> {
  sendJson(response, podList([...node.pods.list()].flatMap(whatRuns)))
}

/** Follows GetPods of pkg/kubelet/kuberuntime and its conversion in pkg/kubelet/container (ToAPIPod). Pure. */
export function whatRuns({ metadata, spec, status }: Pod) {
  const running = new Set(
    [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].flatMap(({ name, state }) =>
      state?.running ? [name] : [],
    ),
  )
  if (running.size === 0) return []
  const { name, namespace, uid } = metadata
  const containers = [...(spec.initContainers ?? []), ...spec.containers]
    .filter((container) => running.has(container.name))
    .map(({ name, image }) => ({ name, image, resources: {} }))
  return [{ metadata: { name, namespace, uid }, spec: { containers }, status: {} }]
}

function podList(items: readonly object[]): object {
  return { kind: 'PodList', apiVersion: 'v1', metadata: {}, items }
}
