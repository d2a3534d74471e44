import type { Node } from '@kosmos/kube'

/** What a Cluster says of one of its virtual nodes. */
export interface VirtualNodeState {
  readonly name: string
  /** Undefined while it has no Ready condition yet. */
  readonly ready: boolean | undefined
  /** Why it is not Ready. */
  readonly message?: string
}

export function virtualNodeState({ metadata, status }: Node): VirtualNodeState {
  const condition = status?.conditions?.find(({ type }) => type === 'Ready')
  if (!condition) return { name: metadata.name, ready: undefined }
  const ready = condition.status === 'True'
  return { name: metadata.name, ready, ...(!ready && condition.message && { message: condition.message }) }
}
