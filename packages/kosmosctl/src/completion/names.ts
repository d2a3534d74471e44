import type { KubeConfigSource } from '@kosmos/kube'
import { withClusters } from '../clusters/connect.ts'
import { clusters } from '../clusters/resources.ts'

/** A person presses a key and waits. */
const timeoutMs = 1_500

/** Names of the joined clusters for completion: none if the root does not answer at once. */
export async function clusterNames(root: KubeConfigSource): Promise<string[]> {
  try {
    return await withClusters({ root }, async ({ root: { client } }) => {
      const found = await client.listAll(clusters, { metadataOnly: true, signal: AbortSignal.timeout(timeoutMs) })
      return found.map(({ metadata }) => metadata.name)
    })
  } catch {
    return []
  }
}

/** The root that the words of an unfinished command line name. Pure. */
export function rootOfWords(words: readonly string[]): KubeConfigSource {
  const optionValue = (option: string) => {
    const at = words.findLastIndex((word) => word === option || word.startsWith(`${option}=`))
    if (at < 0) return undefined
    return words[at] === option ? words[at + 1] : words[at]?.slice(option.length + 1)
  }
  const isJoin = words.includes('join')
  return {
    file: optionValue('--root-kubeconfig') ?? (isJoin ? undefined : optionValue('--kubeconfig')),
    context: optionValue('--root-context') ?? (isJoin ? undefined : optionValue('--context')),
  }
}
