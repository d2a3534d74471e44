import { hash } from 'node:crypto'
import { isIPv4, isIPv6 } from 'node:net'
import { endpointsAnnotation } from '@kosmos/api'
import { type EndpointSlice, type KubeObject, keyOf, type ObjectKey } from '@kosmos/kube'
import { copyMetadata } from '../copies/identity.ts'
import { privateName } from '../copies/private-name.ts'
import type { AddressTranslator } from './address-translator.ts'

type Endpoint = NonNullable<EndpointSlice['endpoints']>[number]

/** Of which Service a slice is (k8s.io/api/discovery/v1, LabelServiceName). */
export const serviceNameLabel = 'kubernetes.io/service-name'
/** Who writes a slice; every controller leaves alone those of others (LabelManagedBy). */
export const managedByLabel = 'endpointslice.kubernetes.io/managed-by'
/** Who writes those of Services with a selector, which the leaf has of its own. */
const ENDPOINT_SLICE_CONTROLLER = 'endpointslice-controller.k8s.io'
const US = 'cluster-tree.kosmos.io'

/** The slices of a root that its users wrote, or that it made of the Endpoints that they wrote. */
export const handWritten = `${serviceNameLabel},${managedByLabel}!=${ENDPOINT_SLICE_CONTROLLER}`

/** Those that it makes of the selectors of its Services. */
export const ofSelectors = `${serviceNameLabel},${managedByLabel}=${ENDPOINT_SLICE_CONTROLLER}`

/** Our slices in a leaf. Those that the leaf makes of our Services have their labels, and so our root's as well. */
export const copiedSlices = `${managedByLabel}=${US}`

/** What an endpoint that is a pod of the root is in a leaf. */
export type EndpointPod =
  | { readonly kind: 'here'; readonly uid: string; readonly ips: readonly string[]; readonly nodeName?: string }
  /** Gone, or without an address so far. */
  | { readonly kind: 'absent' }
  | { readonly kind: 'elsewhere' }
  /** Elsewhere, and reached at the address that the root shows: by ClusterLink. */
  | { readonly kind: 'linked' }

export interface SliceContext {
  readonly rootClusterId: string
  /** Our copy of the slice's Service in the leaf. */
  readonly service: { readonly name: string; readonly uid: string }
  readonly podOf: (pod: ObjectKey, uid: string | undefined) => EndpointPod
  readonly translateAddress: AddressTranslator
}

export interface SliceCopy {
  /** Undefined: no endpoint is reached from the leaf. */
  readonly slice: KubeObject | undefined
  /** How many endpoints are not reached, because they are elsewhere. */
  readonly elsewhere: number
}

/** The Service that a slice is of. Pure. */
export function serviceKeyOf({ metadata }: KubeObject): ObjectKey {
  return `${metadata?.namespace}/${metadata?.labels?.[serviceNameLabel]}`
}

/** The pods that endpoints of a slice are. Pure. */
export function podKeysOf({ metadata, endpoints }: EndpointSlice): readonly ObjectKey[] {
  return (endpoints ?? []).flatMap((endpoint) => podKeyOf(endpoint, metadata.namespace) ?? [])
}

/**
 * The slice by which pods in a leaf reach what somebody wrote into one of the root: what is a pod of the leaf at its address there,
 * what is outside at its own. Zones, hints and nodes are the root's. Its name means nothing to anybody, so it has one of
 * its own. Pure.
 */
export function sliceCopy(root: EndpointSlice, ctx: SliceContext): SliceCopy {
  const { addressType, endpoints, ports, metadata } = root
  const reached = (endpoints ?? []).map((endpoint) => inLeaf(endpoint, root, ctx))
  const present = reached.filter((endpoint) => typeof endpoint === 'object')
  const elsewhere = reached.filter((endpoint) => endpoint === 'elsewhere').length
  if (present.length === 0) return { slice: undefined, elsewhere }
  const copied = copyMetadata(root, ctx.rootClusterId, privateName(metadata.name, ctx.rootClusterId))
  const { name, uid } = ctx.service
  const content = { addressType, endpoints: present, ...(ports && { ports }) }
  const slice = {
    metadata: {
      ...copied,
      labels: { ...copied.labels, [managedByLabel]: US },
      annotations: { ...copied.annotations, [endpointsAnnotation]: hash('sha1', JSON.stringify(content)) },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name, uid }],
    },
    ...content,
  }
  return { slice, elsewhere }
}

function podKeyOf({ targetRef }: Endpoint, namespace = ''): ObjectKey | undefined {
  if (targetRef?.kind !== 'Pod' || !targetRef.name) return undefined
  return keyOf({ metadata: { namespace: targetRef.namespace ?? namespace, name: targetRef.name } })
}

function inLeaf(
  endpoint: Endpoint,
  { addressType, metadata }: EndpointSlice,
  { podOf, translateAddress }: SliceContext,
): Endpoint | 'elsewhere' | 'absent' {
  const { addresses, conditions, hostname, targetRef } = endpoint
  const kept = { ...(conditions && { conditions }), ...(hostname && { hostname }) }
  const key = podKeyOf(endpoint, metadata.namespace)
  if (key === undefined) {
    const reached = addresses.flatMap((address) => translateAddress(address) ?? [])
    return reached.length > 0 ? { addresses: reached, ...kept } : 'elsewhere'
  }
  const pod = podOf(key, targetRef?.uid)
  if (pod.kind === 'linked') return { addresses, ...kept }
  // Of what a selector chooses, the leaf has its own pods by itself.
  if (metadata.labels?.[managedByLabel] === ENDPOINT_SLICE_CONTROLLER) return 'absent'
  if (pod.kind !== 'here') return pod.kind
  const ips = pod.ips.filter(addressType === 'IPv6' ? isIPv6 : isIPv4)
  if (ips.length === 0) return 'absent'
  const { nodeName, uid } = pod
  const { namespace, name } = targetRef ?? {}
  const target = { kind: 'Pod', ...(namespace && { namespace }), ...(name && { name }), uid }
  return { addresses: ips, ...kept, targetRef: target, ...(nodeName && { nodeName }) }
}
