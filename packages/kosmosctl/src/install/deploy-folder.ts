import { readFile } from 'node:fs/promises'
import { loadAll } from 'js-yaml'
import type { Manifest } from '../clusters/resources.ts'

/** The manifests that this kosmosctl was delivered with. */
const folder = new URL('../../../../deploy/', import.meta.url)

/** Objects of a manifest below deploy/, in order. */
export async function deployedManifests(path: string): Promise<Manifest[]> {
  return loadAll(await readFile(new URL(path, folder), 'utf8')).filter((document) => document != null) as Manifest[]
}
