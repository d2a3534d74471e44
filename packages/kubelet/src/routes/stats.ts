import type { ServerResponse } from 'node:http'
import { send, sendJson } from '../answer.ts'
import { CounterSums } from '../stats/counter-sums.ts'
import { EXPOSITION, mergeExpositions } from '../stats/exposition.ts'
import { createGather, type Gather, type Gathered, type StatsPath, StatsUnavailable } from '../stats/gather.ts'
import { mergeSummaries } from '../stats/summary.ts'
import type { NodeContext, RequestContext } from './context.ts'
import type { RouteParams } from './params.ts'

/** The routes that tell what the pods of a virtual node use; they share what has been asked of the leaf's nodes. */
export function statsRoutes(gather: Gather = createGather()) {
  /** Of each virtual node, for as long as it has a kubelet. */
  const counters = new WeakMap<NodeContext, Map<StatsPath, CounterSums>>()
  const countersOf = (node: NodeContext, path: StatsPath): CounterSums => {
    const ofNode = counters.get(node) ?? new Map<StatsPath, CounterSums>()
    const sums = ofNode.get(path) ?? new CounterSums()
    counters.set(node, ofNode.set(path, sums))
    return sums
  }

  const asked = async (
    path: StatsPath,
    { nodeName, leafNodes }: NodeContext,
    response: ServerResponse,
  ): Promise<Gathered | undefined> => {
    try {
      return await gather(nodeName, leafNodes, path)
    } catch (error) {
      if (!(error instanceof StatsUnavailable)) throw error
      // A scrape that fails makes every series stale, which is what they are.
      send(response, { code: 503, text: error.message })
      return undefined
    }
  }

  /** GET /metrics/{resource,cadvisor,probes} */
  const exposition =
    (path: Extract<StatsPath, `metrics/${string}`>) =>
    async (_params: RouteParams, _query: URLSearchParams, response: ServerResponse, { node }: RequestContext) => {
      const gathered = await asked(path, node, response)
      if (!gathered) return
      const text = mergeExpositions(gathered, node.leafNodes.copies(), countersOf(node, path))
      send(response, { code: 200, text, headers: EXPOSITION })
    }

  /** GET /stats/summary */
  const stats = async (
    _params: RouteParams,
    query: URLSearchParams,
    response: ServerResponse,
    { node }: RequestContext,
  ) => {
    const little = query.get('only_cpu_and_memory') === 'true'
    const path = little ? 'stats/summary?only_cpu_and_memory=true' : 'stats/summary'
    const gathered = await asked(path, node, response)
    if (!gathered) return
    sendJson(response, mergeSummaries(node.nodeName, gathered, node.leafNodes.copies(), countersOf(node, path)))
  }

  return {
    stats,
    metricsResource: exposition('metrics/resource'),
    metricsCadvisor: exposition('metrics/cadvisor'),
    metricsProbes: exposition('metrics/probes'),
  }
}
