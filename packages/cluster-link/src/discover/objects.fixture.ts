import type { ConfigMap, Node } from '@kosmos/kube'
import type { NetworkObjects, PlugInObject } from './sources/objects.ts'

const metadata = (name: string, namespace?: string) => ({
  name,
  ...(namespace && { namespace }),
  uid: `uid of ${name}`,
  resourceVersion: '1',
})

/** An object of a network plug-in, as its own tools would write it or not. */
export const plugIn = (name: string, spec: unknown): PlugInObject => ({
  metadata: metadata(name),
  spec: spec as PlugInObject['spec'],
})

export const block = (node: string, cidr: string, parts: object = {}): PlugInObject =>
  plugIn(`${node}-${cidr.replaceAll(/[./:]/g, '-')}`, { node, cidr, state: 'confirmed', deleted: 'false', ...parts })

/** A block of Calico as it keeps it, with who uses its first addresses. */
export const ipamBlock = (
  cidr: string,
  affinity: string | undefined,
  users: readonly (string | null)[],
): PlugInObject => {
  const nodes = [...new Set(users)].filter((node) => node !== null)
  return plugIn(cidr.replaceAll(/[./:]/g, '-'), {
    cidr,
    ...(affinity && { affinity }),
    allocations: users.map((node) => (node === null ? null : nodes.indexOf(node))),
    attributes: nodes.map((node) => ({ handle_id: `k8s-pod-network.${node}`, secondary: { node, pod: 'web' } })),
    unallocated: [],
    strictAffinity: false,
    deleted: false,
    sequenceNumber: 7,
  })
}

export const configMap = (namespace: string, name: string, data: Record<string, string>): ConfigMap => ({
  metadata: metadata(name, namespace),
  data,
})

export const nodeWith = (name: string, ...podCIDRs: string[]): Node => ({
  metadata: metadata(name),
  spec: { podCIDRs },
})

export const objects = (parts: Partial<NetworkObjects> = {}): NetworkObjects => ({
  nodes: [],
  serviceCIDRs: [],
  ipPools: [],
  blockAffinities: [],
  ipamBlocks: [],
  ciliumNodes: [],
  configMaps: [],
  ...parts,
})

export const serviceCIDR = (name: string, ...cidrs: string[]) => ({ metadata: metadata(name), spec: { cidrs } })
