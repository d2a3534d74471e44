import type { ServerResponse } from 'node:http'
import { send } from '../answer.ts'
import { EXPOSITION } from '../stats/exposition.ts'
import type { NodeContext, RequestContext } from './context.ts'
import type { RouteParams } from './params.ts'

/** The routes that tell whether the kubelet API itself is well; the leaf's health is the Node's condition. */
export function healthRoutes() {
  const checks = new WeakMap<NodeContext, number>()

  /** GET /healthz: that this answers is all there is to say. */
  const healthz = async (
    _params: RouteParams,
    _query: URLSearchParams,
    response: ServerResponse,
    { node }: RequestContext,
  ) => {
    checks.set(node, (checks.get(node) ?? 0) + 1)
    send(response, { code: 200, text: 'ok' })
  }

  /** GET /metrics/slis: the checks that were asked for, as k8s.io/component-base/metrics/prometheus/slis counts them */
  const metricsSlis = async (
    _params: RouteParams,
    _query: URLSearchParams,
    response: ServerResponse,
    { node }: RequestContext,
  ) => {
    const count = checks.get(node)
    const text = [
      '# HELP kubernetes_healthcheck [STABLE] This metric records the result of a single healthcheck.',
      '# TYPE kubernetes_healthcheck gauge',
      ...(count === undefined ? [] : ['kubernetes_healthcheck{name="ping",type="healthz"} 1']),
      '# HELP kubernetes_healthchecks_total [STABLE] This metric records the results of all healthcheck.',
      '# TYPE kubernetes_healthchecks_total counter',
      ...(count === undefined
        ? []
        : [`kubernetes_healthchecks_total{name="ping",status="success",type="healthz"} ${count}`]),
      '',
    ].join('\n')
    send(response, { code: 200, text, headers: EXPOSITION })
  }

  return { healthz, metricsSlis }
}
