import type { PodSpec } from '@kosmos/kube'

/** Scheduling constraints that mean the leaf's nodes, as a user writes them into the annotation. */
export type ClusterSelector = {
  readonly [K in (typeof keys)[number]]?: NonNullable<PodSpec[K]>
}

const keys = ['nodeSelector', 'affinity', 'tolerations', 'topologySpreadConstraints'] as const

type JsonObject = Readonly<Record<string, unknown>>

/**
 * Reads the JSON of annotation `kosmos.io/cluster-selector`. Only the outer shape is checked here; what is inside the
 * constraints is the leaf's API server's to judge, in its own words.
 */
export function parseClusterSelector(json: string | undefined): ClusterSelector | { readonly problem: string } {
  if (json === undefined || json.trim() === '') return {}
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (cause) {
    return { problem: `not JSON: ${(cause as Error).message}` }
  }
  const problem = shapeProblem(value)
  return problem === undefined ? (value as ClusterSelector) : { problem }
}

function shapeProblem(value: unknown): string | undefined {
  if (!isObject(value)) return `must be an object with any of ${keys.join(', ')}`
  const unknown = Object.keys(value).find((key) => !(keys as readonly string[]).includes(key))
  if (unknown !== undefined) return `unknown key "${unknown}", known are ${keys.join(', ')}`
  const { nodeSelector, affinity, tolerations, topologySpreadConstraints } = value
  if (nodeSelector !== undefined && !(isObject(nodeSelector) && Object.values(nodeSelector).every(isString))) {
    return 'nodeSelector must map labels to strings'
  }
  if (affinity !== undefined && !isObject(affinity)) return 'affinity must be an object'
  if (tolerations !== undefined && !isObjectList(tolerations)) return 'tolerations must be a list of objects'
  if (topologySpreadConstraints !== undefined && !isObjectList(topologySpreadConstraints)) {
    return 'topologySpreadConstraints must be a list of objects'
  }
  return undefined
}

const isString = (value: unknown) => typeof value === 'string'
const isObjectList = (value: unknown) => Array.isArray(value) && value.every(isObject)

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
