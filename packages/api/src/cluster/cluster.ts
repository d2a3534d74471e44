import {
  apiGroup,
  apiVersion,
  clusterNameMaxLength,
  clusterNameProblem,
  clusterRoleAnnotation,
  rootClusterRole,
} from '../names.ts'
import { parseCidr } from '../schema/cidr.ts'
import { withDefaults } from '../schema/defaults.ts'
import { isObject } from '../schema/json.ts'
import type { Kind } from '../schema/kind.ts'
import type { ObjectMeta } from '../schema/metadata.ts'
import type { Problem } from '../schema/problem.ts'
import { problemsWith } from '../schema/validate.ts'
import { type ClusterSpec, clusterSpec } from './spec.ts'
import { type ClusterStatus, clusterStatus } from './status.ts'

/** A cluster that is joined to the root, as an API server returns it: defaults are set. */
export interface Cluster {
  apiVersion: typeof apiVersion
  kind: 'Cluster'
  metadata: ObjectMeta
  spec: ClusterSpec
  status?: ClusterStatus
}

type Input<T> = T extends readonly unknown[] ? T : T extends object ? { [K in keyof T]?: Input<T[K]> } : T

/** A Cluster as somebody writes it: what has a default may be missing. */
export type ClusterManifest = Omit<Cluster, 'spec' | 'status'> & { spec: Input<ClusterSpec> }

const conditionColumn = (name: string, type: string, description: string, wide: boolean) => ({
  name,
  type: 'string' as const,
  jsonPath: `.status.conditions[?(@.type=="${type}")].status`,
  description,
  wide,
})

export const clusterKind: Kind = {
  group: apiGroup,
  version: apiVersion.slice(apiGroup.length + 1),
  kind: 'Cluster',
  plural: 'clusters',
  singular: 'cluster',
  categories: ['kosmos-io'],
  scope: 'Cluster',
  description: 'A Kubernetes cluster that is joined to the root.',
  spec: clusterSpec,
  status: clusterStatus,
  rules: [
    {
      cel: `size(self.metadata.name) <= ${clusterNameMaxLength}`,
      message: `metadata.name must have at most ${clusterNameMaxLength} characters, because the virtual node is named kosmos-<name> and node names end at 63 characters`,
    },
  ],
  columns: [
    conditionColumn('Reachable', 'Reachable', "Whether the cluster's API server answers.", false),
    {
      name: 'VirtualNodes',
      type: 'integer',
      jsonPath: '.status.virtualNodes',
      description: 'How many virtual nodes of the cluster exist in the root.',
    },
    { name: 'Version', type: 'string', jsonPath: '.status.version', description: "The cluster's Kubernetes version." },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Since when it is joined.' },
    conditionColumn('Credentials', 'CredentialsValid', 'Whether the cluster accepts the credentials.', true),
    conditionColumn('NodesReady', 'VirtualNodesReady', 'Whether the virtual nodes are Ready.', true),
    {
      name: 'NetworkType',
      type: 'string',
      jsonPath: '.spec.clusterLinkOptions.networkType',
      description: 'How ClusterLink connects it.',
      wide: true,
    },
    {
      name: 'IPFamily',
      type: 'string',
      jsonPath: '.spec.clusterLinkOptions.ipFamily',
      description: 'The address families ClusterLink connects.',
      wide: true,
    },
  ],
}

/**
 * A copy with the defaults where nothing is set, as the API server stores it. What is set is never changed,
 * so a wrong object stays wrong: see {@link validateCluster}.
 */
export function defaultCluster<T extends { spec?: unknown }>(manifest: T): T & { spec: ClusterSpec } {
  return { ...manifest, spec: withDefaults(clusterSpec, manifest.spec) as ClusterSpec }
}

function metadataProblems(metadata: unknown): Problem[] {
  const name = isObject(metadata) ? metadata.name : undefined
  if (name === undefined || name === '') return [{ path: 'metadata.name', message: 'Required value' }]
  const problem = typeof name === 'string' ? clusterNameProblem(name) : 'must be of type string'
  return problem === undefined ? [] : [{ path: 'metadata.name', message: `Invalid value: ${problem}` }]
}

/**
 * What the API server would refuse in the type, name and spec of a manifest, unknown fields as with kubectl; nothing
 * else. Empty when it is fine. The status is not looked at: nobody but Kosmos can write it.
 */
export function validateCluster(manifest: unknown): Problem[] {
  if (!isObject(manifest)) return [{ path: '', message: 'Invalid value: must be an object' }]
  const { apiVersion: version, kind, metadata, spec, status: _, ...unknown } = manifest
  const problems: Problem[] = []
  if (version !== apiVersion) problems.push({ path: 'apiVersion', message: `Invalid value: must be ${apiVersion}` })
  if (kind !== 'Cluster') problems.push({ path: 'kind', message: 'Invalid value: must be Cluster' })
  problems.push(...Object.keys(unknown).map((field) => ({ path: field, message: 'Unknown field' })))
  problems.push(...metadataProblems(metadata))
  if (spec === undefined || spec === null) return [...problems, { path: 'spec', message: 'Required value' }]
  return [...problems, ...problemsWith(clusterSpec, withDefaults(clusterSpec, spec), 'spec')]
}

/** Whether the object stands for the root itself, which has neither credentials nor virtual nodes. */
export function isRootCluster(cluster: {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> }
}): boolean {
  return cluster.metadata.annotations?.[clusterRoleAnnotation] === rootClusterRole
}

/** Whether ClusterLink shall connect the cluster with others. */
export function hasClusterLink(cluster: Pick<Cluster, 'spec'>): boolean {
  return cluster.spec.clusterLinkOptions?.enable === true
}

/**
 * Networks of a linked cluster that others know by other addresses, one to one: local → global. Of those that an address
 * is in, the first one counts: what was said by hand before what was given, narrow networks before wide ones.
 */
export function globalCIDRsOf({ spec, status }: Pick<Cluster, 'spec' | 'status'>): Readonly<Record<string, string>> {
  if (!hasClusterLink({ spec })) return {}
  const byHand = Object.entries(spec.clusterLinkOptions?.globalCIDRsMap ?? {})
  byHand.sort(([a], [b]) => prefixOf(b) - prefixOf(a))
  const mappings = new Map([...byHand, ...Object.entries(status?.clusterLinkStatus?.globalCIDRs ?? {})])
  return Object.fromEntries([...mappings, ...byHand])
}

function prefixOf(cidr: string): number {
  return parseCidr(cidr)?.prefixLength ?? 0
}

/** Whether the cluster shall appear in the root as virtual nodes. */
export function hasClusterTree(cluster: Pick<Cluster, 'metadata' | 'spec'>): boolean {
  return !isRootCluster(cluster) && cluster.spec.clusterTreeOptions?.enable === true
}
