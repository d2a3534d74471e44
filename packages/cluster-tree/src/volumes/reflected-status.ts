import { isDeepStrictEqual } from 'node:util'
import type { PersistentVolumeClaim } from '@kosmos/kube'
import { attributesClassInRoot, type ClassNames } from './class-names.ts'

type Status = NonNullable<PersistentVolumeClaim['status']>

/** What whoever resizes or modifies a volume says of it (k8s.io/api/core/v1, PersistentVolumeClaimStatus). */
const FIELDS = [
  'capacity',
  'allocatedResources',
  'allocatedResourceStatuses',
  'currentVolumeAttributesClassName',
  'modifyVolumeStatus',
] as const satisfies readonly (keyof Status)[]

/** Conditions that the same set; others are the root's own. */
const CONDITIONS = [
  'Resizing',
  'FileSystemResizePending',
  'ControllerResizeError',
  'NodeResizeError',
  'ModifyingVolume',
  'ModifyVolumeError',
]

/**
 * The merge patch that makes the status of the root's claim say what the leaf's says of the volume; undefined when it does. The
 * root's does not follow by itself: for a driver it is its resizer that writes it.
 * VolumeAttributesClasses go by the root's names. Pure.
 */
export function reflectedStatus(
  root: PersistentVolumeClaim,
  leaf: PersistentVolumeClaim,
  attributesClassNames: ClassNames,
): object | undefined {
  const [shown, said] = [root.status ?? {}, inNamesOfRoot(root, leaf.status ?? {}, attributesClassNames)]
  const fields = FIELDS.filter((field) => !isDeepStrictEqual(shown[field], said[field]))
  const isOfVolume = ({ type }: { readonly type: string }) => CONDITIONS.includes(type)
  const [shownConditions, saidConditions] = [shown.conditions ?? [], said.conditions ?? []]
  const isSame = isDeepStrictEqual(shownConditions.filter(isOfVolume), saidConditions.filter(isOfVolume))
  if (fields.length === 0 && isSame) return undefined
  const others = shownConditions.filter((condition) => !isOfVolume(condition))
  return {
    // Replaced as a whole, a key that is gone would stay otherwise.
    ...Object.fromEntries(fields.map((field) => [field, replaced(shown[field], said[field])])),
    ...(!isSame && { conditions: [...others, ...saidConditions.filter(isOfVolume)] }),
  }
}

function inNamesOfRoot(root: PersistentVolumeClaim, said: Status, names: ClassNames): Status {
  const { currentVolumeAttributesClassName, modifyVolumeStatus } = said
  const inRoot = (name: string | undefined, before: string | undefined) =>
    attributesClassInRoot(name, [root.spec?.volumeAttributesClassName, before], names)
  const { currentVolumeAttributesClassName: shown, modifyVolumeStatus: shownModification } = root.status ?? {}
  const current = inRoot(currentVolumeAttributesClassName, shown)
  const target = inRoot(
    modifyVolumeStatus?.targetVolumeAttributesClassName,
    shownModification?.targetVolumeAttributesClassName,
  )
  return {
    ...said,
    ...(current && { currentVolumeAttributesClassName: current }),
    ...(modifyVolumeStatus &&
      target && { modifyVolumeStatus: { ...modifyVolumeStatus, targetVolumeAttributesClassName: target } }),
  }
}

function replaced(shown: unknown, said: unknown): unknown {
  if (typeof said !== 'object' || said === null) return said ?? null
  const gone = Object.keys(shown ?? {}).filter((key) => !(key in said))
  return { ...Object.fromEntries(gone.map((key) => [key, null])), ...said }
}
