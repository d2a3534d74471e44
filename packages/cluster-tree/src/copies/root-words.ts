import { PRIVATE_PREFIX, privateName } from './private-name.ts'

/**
 * What a leaf says, with the names that the root has for what lies there under another name: those are the ones that people know.
 * @param names in the root, of what it may be about
 */
export function inRootsWords(said: string, names: Iterable<string>, rootClusterId: string): string {
  if (!said.includes(PRIVATE_PREFIX)) return said
  return Iterator.from(names).reduce((text, name) => text.replaceAll(privateName(name, rootClusterId), name), said)
}
