import { type Client, type ObjectKey, persistentVolumeClaims, refOf } from '@kosmos/kube'
import { privateName } from '../copies/private-name.ts'
import { isOf } from './plan.ts'

/**
 * Asks the leaf itself whether it has its claim for one of the root, under either name: it may have come of a request whose answer was
 * lost, and whose event is not heard yet.
 */
export async function hasClaim(
  leaf: Client,
  key: ObjectKey,
  { uid, rootClusterId }: { readonly uid: string | undefined; readonly rootClusterId: string },
): Promise<boolean> {
  const { name, ...ref } = refOf(key)
  const names = [name, privateName(name, rootClusterId)]
  const found = await Promise.all(names.map((name) => leaf.getMetadata(persistentVolumeClaims, { ...ref, name })))
  return uid !== undefined && found.some((claim) => claim !== undefined && isOf(claim, uid))
}
