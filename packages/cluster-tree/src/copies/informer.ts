import { type Client, Informer, type InformerOptions, type KubeObject, type Resource } from '@kosmos/kube'
import { type WatchedCopy, withContentState } from './content-state.ts'

export interface CopyInformerOptions<Index extends string>
  extends Pick<InformerOptions<WatchedCopy, Index>, 'onState' | 'onRelist' | 'indexes'> {
  /** Of the leaf, and what the copies are written by. */
  readonly client: Client
  readonly resource: Resource
  /** Tells our copies from what else is there. */
  readonly labelSelector: string
}

/** Follows our copies of a kind in a leaf: what each shows, and who has written to it, without what is in them. */
export function copyInformer<Index extends string = never>(
  options: CopyInformerOptions<Index>,
): Informer<WatchedCopy, Index> {
  const transform = (object: KubeObject) => withContentState(object, options.client.fieldManager)
  return new Informer<WatchedCopy, Index>({ ...options, metadataOnly: true, managedFields: true, transform })
}
