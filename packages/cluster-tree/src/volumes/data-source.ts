import type { ObjectKey, PersistentVolumeClaim } from '@kosmos/kube'

/** What a new volume is to be filled with. */
export type DataSource =
  | { readonly kind: 'none' }
  /** The content of another claim of the namespace: a clone. */
  | { readonly kind: 'claim'; readonly name: string }
  /** A snapshot, or something else that a leaf does not have. */
  | { readonly kind: 'unsupported' }

/** Follows KEP-1495 (dataSourceRef) and KEP-989 (clones). Pure. */
export function dataSourceOf({ spec }: PersistentVolumeClaim): DataSource {
  const source = spec?.dataSourceRef ?? spec?.dataSource
  if (!source) return { kind: 'none' }
  const { kind, name, apiGroup, namespace } = { namespace: undefined, ...source }
  return kind === 'PersistentVolumeClaim' && !apiGroup && !namespace ? { kind: 'claim', name } : { kind: 'unsupported' }
}

/** The claim that one without a volume is to be a clone of. Pure. */
export function awaitedSource(claim: PersistentVolumeClaim): ObjectKey | undefined {
  const source = dataSourceOf(claim)
  if (source.kind !== 'claim' || claim.spec?.volumeName) return undefined
  return `${claim.metadata.namespace}/${source.name}`
}
