import type { Flags } from '../control-plane/components.ts'
import type { KubernetesOf } from '../control-plane/kubernetes.ts'
import type { ImageName } from '../images/catalog.ts'
import type { Cni } from '../nodes/real/network/cni.ts'

/** Nodes of one cluster, by kind. */
export interface NodeCounts {
  /** Simulated: pods become Running at once, nothing runs. */
  readonly kwok: number
  /** kubelet, containerd and runc in namespaces of their own; needs root. */
  readonly real: number
}

const noNodes: NodeCounts = { kwok: 0, real: 0 }

/**
 * Parses `kwok:10`, `real:1`, `none`, or several kinds joined by commas.
 * @throws TypeError that says what may be written
 */
export function parseNodes(text: string): NodeCounts {
  if (text === 'none' || text === '') return noNodes
  const counts = { kwok: 0, real: 0 }
  for (const part of text.split(',')) {
    const match = /^(kwok|real):(\d{1,5})$/.exec(part.trim())
    if (!match)
      throw new TypeError(
        `nodes "${text}" cannot be read: write kwok:COUNT, real:COUNT, both with a comma between, or none`,
      )
    counts[match[1] as keyof NodeCounts] += Number(match[2])
  }
  return counts
}

/** Test bed names become folder names and parts of host names. */
export function checkName(name: string): string {
  if (/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/.test(name)) return name
  throw new TypeError(
    `"${name}" cannot name a test bed: up to 40 of a-z, 0-9 and -, beginning and ending with a letter or digit`,
  )
}

export interface TestbedPlan {
  readonly name: string
  /** Clusters besides the root; default 2. */
  readonly leaves: number
  readonly nodes: NodeCounts
  readonly rootNodes: NodeCounts
  /** Images that real nodes have from the start. */
  readonly images: readonly ImageName[]
  /** Files with further ones. */
  readonly archives: readonly string[]
  /** Flags of the root's API server beside its own, by its address. */
  readonly rootFlags: (server: string) => Flags
  /** Network plug-in of the real nodes of a cluster. */
  readonly cni: (cluster: string) => Cni
  /** Version of the control planes. */
  readonly kubernetes: KubernetesOf
}

export function hasRealNodes({
  nodes,
  rootNodes,
  leaves,
}: Pick<TestbedPlan, 'nodes' | 'rootNodes' | 'leaves'>): boolean {
  return (nodes.real > 0 && leaves > 0) || rootNodes.real > 0
}
