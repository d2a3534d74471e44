import type { CounterSums } from './counter-sums.ts'
import type { Gathered } from './gather.ts'
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

/** What only rises, as long as a machine runs. */
const COUNTED: ReadonlySet<string> = new Set(['usageCoreNanoSeconds', 'pageFaults', 'majorPageFaults'])

/** One summary out of those of several kubelets: the given pods, with their uid in the root, and the nodes together. */
export function mergeSummaries(
  nodeName: string,
  { bodies, failed, round }: Gathered,
  copies: ReadonlyMap<string, CopyIdentity>,
  counters: CounterSums,
): Summary {
  const summaries = [...bodies].map(([name, body]) => [name, body as Summary] as const)
  const pods = summaries.flatMap(([, { pods }]) =>
    (pods ?? []).flatMap((pod) => {
      const copy = copies.get(`${pod.podRef.namespace}/${pod.podRef.name}`)
      if (copy?.leafUid !== pod.podRef.uid) return []
      return [{ ...pod, podRef: { ...pod.podRef, uid: copy.rootUid } }]
    }),
  )
  const node: Record<string, unknown> = { nodeName, startTime: counters.since.toISOString() }
  // Without one of them it would be too little, and the next look like much use.
  for (const field of failed === 0 ? SUMMED : []) {
    const together = sum(
      field,
      summaries.map(([name, { node }]) => [name, node[field]]),
      (path, values) => counters.sum(path, round, values),
    )
    if (together !== undefined) node[field] = together
  }
  return { node: node as Summary['node'], pods }
}

type OfNodes = readonly (readonly [name: string, value: unknown])[]

/** `path`: where in a node's summary the values are. */
function sum(path: string, ofNodes: OfNodes, count: (path: string, values: Map<string, number>) => number): unknown {
  const given = ofNodes.filter(([, value]) => value !== undefined && value !== null)
  const values = given.map(([, value]) => value)
  if (values.length === 0) return undefined
  if (values.every((value) => typeof value === 'number')) {
    const isCounted = COUNTED.has(path.replace(/.*\./, ''))
    return isCounted ? count(path, new Map(given as [string, number][])) : values.reduce((a, b) => a + b)
  }
  if (values.every(isObject)) {
    const fields = new Set(values.flatMap(Object.keys))
    const sums = [...fields].map((field) => {
      const of = given.map(([name, value]) => [name, (value as Json)[field]] as const)
      return [field, sum(`${path}.${field}`, of, count)]
    })
    return Object.fromEntries(sums)
  }
  // Times: how new a figure is counts from the last.
  return values.map(String).sort().at(-1)
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
