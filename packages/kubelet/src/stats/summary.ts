import type { CopyIdentity } from './leaf-nodes.ts'

type Json = Readonly<Record<string, unknown>>

interface PodStats {
  readonly podRef: { readonly name: string; readonly namespace: string; readonly uid: string }
}

/** A kubelet's `/stats/summary` (k8s.io/kubelet/pkg/apis/stats/v1alpha1), as far as it is read here. */
export interface Summary {
  readonly node: Json & { readonly nodeName: string }
  readonly pods: readonly PodStats[]
}

/** What adds up over machines. Networks and limits of processes do not. */
const SUMMED = ['cpu', 'memory', 'swap', 'fs', 'runtime'] as const

/** One summary out of those of several kubelets: the given pods, with their uid in the root, and the nodes' sum. Pure. */
export function mergeSummaries(
  nodeName: string,
  summaries: readonly Summary[],
  copies: ReadonlyMap<string, CopyIdentity>,
  failedNodes: number,
): Summary {
  const pods = summaries.flatMap(({ pods }) =>
    (pods ?? []).flatMap((pod) => {
      const copy = copies.get(`${pod.podRef.namespace}/${pod.podRef.name}`)
      if (copy?.leafUid !== pod.podRef.uid) return []
      return [{ ...pod, podRef: { ...pod.podRef, uid: copy.rootUid } }]
    }),
  )
  const node: Record<string, unknown> = {}
  // A sum without one of them would be too little, and the next look like much use.
  for (const field of ['startTime', ...(failedNodes === 0 ? SUMMED : [])]) {
    for (const summary of summaries) node[field] = sum(node[field], summary.node[field], field)
    if (node[field] === undefined) delete node[field]
  }
  return { node: { nodeName, ...node }, pods }
}

function sum(a: unknown, b: unknown, field: string): unknown {
  if (a === undefined || b === undefined) return a ?? b
  if (typeof a === 'number' && typeof b === 'number') return a + b
  if (isObject(a) && isObject(b)) {
    const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])]
    return Object.fromEntries(keys.map((key) => [key, sum(a[key], b[key], key)]))
  }
  // Times: how long it runs counts from the first, how new a figure is from the last.
  const [x, y] = [String(a), String(b)]
  return (field === 'startTime') === x < y ? x : y
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
