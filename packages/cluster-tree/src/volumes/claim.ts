import type { KubeObject, ObjectKey, PersistentVolumeClaim } from '@kosmos/kube'
import { copyMetadata } from '../copies/identity.ts'
import { nameInRoot } from '../copies/private-name.ts'
import { type ClassNames, classInLeaf } from './class-names.ts'

/** What Kubernetes writes on a claim about its binding in the root. */
const ABOUT_BINDING = /^(pv\.kubernetes\.io|volume\.kubernetes\.io|volume\.beta\.kubernetes\.io)\//

export interface LeafClaimParts {
  readonly root: PersistentVolumeClaim
  readonly rootClusterId: string
  /** Of StorageClasses. */
  readonly classNames?: ClassNames
  /** Of VolumeAttributesClasses. */
  readonly attributesClassNames?: ClassNames
  /** As the root's, unless given. */
  readonly name?: string
  /** What the leaf calls the claim that it is a clone of. */
  readonly cloneOf?: string | undefined
}

/** The leaf's claim for one of the root: the same wishes; which volume fulfils them is the leaf's business. Pure. */
export function leafClaim(parts: LeafClaimParts): KubeObject {
  const { root, rootClusterId, classNames = {}, attributesClassNames = {}, name, cloneOf } = parts
  const { accessModes, resources, volumeMode, storageClassName, volumeAttributesClassName } = root.spec ?? {}
  const metadata = copyMetadata(root, rootClusterId, name)
  const annotations = Object.entries(metadata.annotations).filter(([key]) => !ABOUT_BINDING.test(key))
  const className = classInLeaf(storageClassName, classNames)
  const attributesClass = classInLeaf(volumeAttributesClassName, attributesClassNames)
  const claim = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { ...metadata, annotations: Object.fromEntries(annotations) },
    spec: {
      accessModes,
      resources,
      ...(volumeMode && { volumeMode }),
      // Left out, it is the default; the empty name would be none at all.
      ...(className && { storageClassName: className }),
      ...(attributesClass && { volumeAttributesClassName: attributesClass }),
      ...(cloneOf && { dataSource: { kind: 'PersistentVolumeClaim', name: cloneOf } }),
    },
  }
  return claim as KubeObject
}

/** The claim of the root that one of ours in a leaf is for. Pure. */
export function rootKeyOf(leafClaim: PersistentVolumeClaim): ObjectKey {
  return `${leafClaim.metadata.namespace}/${nameInRoot(leafClaim)}`
}

/** Names of the claims that a pod mounts: its own, and those made for its ephemeral volumes (KEP-1698). Pure. */
export function claimsOf({ metadata, spec }: PodWithVolumes): readonly string[] {
  return (spec.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
    if (persistentVolumeClaim) return [persistentVolumeClaim.claimName]
    return ephemeral ? [ephemeralClaimName(metadata.name, name)] : []
  })
}

export function ephemeralClaimName(pod: string, volume: string): string {
  return `${pod}-${volume}`
}

interface PodWithVolumes {
  readonly metadata: { readonly name: string }
  readonly spec: {
    readonly volumes?: readonly {
      readonly name: string
      readonly persistentVolumeClaim?: { readonly claimName: string }
      readonly ephemeral?: object
    }[]
  }
}

/** What a claim is called, and another that it is to be a clone of. Pure. */
export function namesOfClaim({ metadata, spec }: PersistentVolumeClaim): readonly string[] {
  const { name } = spec?.dataSource ?? {}
  return [metadata.name, ...(name ? [name] : [])]
}
