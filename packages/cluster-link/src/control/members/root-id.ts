import { type Client, namespaces } from '@kosmos/kube'

/** What identifies a cluster: the uid of its namespace kube-system. @throws when it has none yet */
export async function rootIdOf(root: Client): Promise<string> {
  const system = await root.getMetadata(namespaces, { name: 'kube-system' })
  if (system?.metadata?.uid === undefined)
    throw new Error(`${root.name}: there is no namespace kube-system, whose uid identifies the cluster`)
  return system.metadata.uid
}
