import { hash } from 'node:crypto'
import { importedByLabel } from '@kosmos/api'
import type { EndpointSlice, KubeObject } from '@kosmos/kube'
import type { SeenFrom } from './addresses.ts'
import { derivedName, derivedPortName, ownerOf } from './derived.ts'
import type { Reach } from './reach.ts'
import { importNameLabel, type ServiceImport, type ServiceImportSpec, sourceClusterLabel } from './resources.ts'

type Endpoint = NonNullable<EndpointSlice['endpoints']>[number]

/** Of which Service a slice is (k8s.io/api/discovery/v1, LabelServiceName). */
export const serviceNameLabel = 'kubernetes.io/service-name'
/** Who has made what stands for a Service of another cluster. */
export const MANAGER = 'cluster-link.kosmos.io'

export interface SliceContext {
  readonly owner: ServiceImport
  readonly spec: Pick<ServiceImportSpec, 'type' | 'ports'>
  readonly rootId: string
  readonly cluster: string
  readonly seen: SeenFrom
  readonly reaches: Reach['reaches']
}

/** An exported slice as a cluster imports it; undefined if it has no endpoint that is reached from there. */
export function importedSlice(source: EndpointSlice, context: SliceContext): (KubeObject & Essence) | undefined {
  const { owner, spec, rootId, cluster } = context
  const { name, namespace = '' } = owner.metadata
  if (source.addressType === 'FQDN') return undefined
  const endpoints = (source.endpoints ?? []).flatMap((endpoint) => importedEndpoint(endpoint, context))
  if (endpoints.length === 0) return undefined
  const isHeadless = spec.type === 'Headless'
  return {
    metadata: {
      name: sliceName(name, `${rootId}/${cluster}/${source.metadata.name}`),
      namespace,
      labels: {
        [importedByLabel]: rootId,
        'endpointslice.kubernetes.io/managed-by': MANAGER,
        [importNameLabel]: name,
        [sourceClusterLabel]: cluster,
        // kube-proxy leaves alone those of headless Services.
        ...(isHeadless ? { 'service.kubernetes.io/headless': '' } : { [serviceNameLabel]: derivedName(name) }),
      },
      ownerReferences: ownerOf(owner),
    },
    addressType: source.addressType,
    endpoints,
    ports: (source.ports ?? []).map((port) => ({ ...port, name: derivedPortName(spec.ports, port.name) })),
  }
}

/** What of a slice is ours to say. */
export type Essence = Pick<EndpointSlice, 'addressType' | 'endpoints' | 'ports'>

/**
 * A slice of a cluster of which nothing is heard now: its endpoints stay, and are ready or not as packets reach them.
 * @returns the same slice if it is as it should be
 */
export function withReach(slice: EndpointSlice, reaches: Reach['reaches']): EndpointSlice {
  let isChanged = false
  const endpoints = (slice.endpoints ?? []).map((endpoint) => {
    const { ready, serving, terminating } = endpoint.conditions ?? {}
    const isReady = endpoint.addresses.every(reaches) && (ready || (serving !== false && !terminating))
    if (isReady === ready) return endpoint
    isChanged = true
    return { ...endpoint, conditions: { ...endpoint.conditions, ready: isReady } }
  })
  return isChanged ? { ...slice, endpoints } : slice
}

function importedEndpoint(endpoint: Endpoint, { seen, reaches }: SliceContext): Endpoint[] {
  const addresses = endpoint.addresses.flatMap((address) => seen(address) ?? [])
  if (addresses.length === 0) return []
  const { conditions = {}, hostname, zone } = endpoint
  const { ready = true, serving, terminating } = conditions
  // Nodes and hints are of the other cluster; a zone may be in both.
  return [
    {
      addresses,
      conditions: {
        ready: ready && addresses.every(reaches),
        ...(serving !== undefined && { serving }),
        ...(terminating !== undefined && { terminating }),
      },
      ...(hostname && { hostname }),
      ...(zone && { zone }),
    },
  ]
}

const sliceName = (name: string, origin: string): string => `${derivedName(name)}-${hash('sha1', origin).slice(0, 10)}`
