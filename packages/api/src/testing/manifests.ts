import { readdirSync, readFileSync } from 'node:fs'
import { load } from 'js-yaml'
import type { ClusterManifest } from '../cluster/cluster.ts'

const folder = new URL('manifests/', import.meta.url)

/** Clusters as users of the original Kosmos have them, by file name. */
export const originalManifests: readonly (readonly [file: string, manifest: ClusterManifest])[] = readdirSync(folder)
  .sort()
  .map((file) => [file, load(readFileSync(new URL(file, folder), 'utf8')) as ClusterManifest])
