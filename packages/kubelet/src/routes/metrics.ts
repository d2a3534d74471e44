import type { ServerResponse } from 'node:http'
import { send } from '../answer.ts'
import { EXPOSITION } from '../stats/exposition.ts'
import type { RequestContext } from './context.ts'
import type { RouteParams } from './params.ts'
import { whatRuns } from './pods.ts'

/**
 * GET /metrics: of a kubelet's own metrics (pkg/kubelet/metrics) those that are about its node as a whole. Those of our
 * process are at its own port.
 */
export async function metrics(
  _params: RouteParams,
  _query: URLSearchParams,
  response: ServerResponse,
  { node }: RequestContext,
): Promise<void> {
  const running = [...node.pods.list()].flatMap(whatRuns)
  const containers = running.reduce((sum, { spec }) => sum + spec.containers.length, 0)
  const text = [
    "# HELP kubelet_node_name [ALPHA] The node's name. The count is always 1.",
    '# TYPE kubelet_node_name gauge',
    `kubelet_node_name{node=${JSON.stringify(node.nodeName)}} 1`,
    '# HELP kubelet_running_pods [ALPHA] Number of pods that have a running container.',
    '# TYPE kubelet_running_pods gauge',
    `kubelet_running_pods ${running.length}`,
    '# HELP kubelet_running_containers [ALPHA] Number of containers currently running.',
    '# TYPE kubelet_running_containers gauge',
    `kubelet_running_containers{container_state="running"} ${containers}`,
    '',
  ].join('\n')
  send(response, { code: 200, text, headers: EXPOSITION })
}
