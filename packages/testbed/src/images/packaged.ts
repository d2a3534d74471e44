import path from 'node:path'
import { cacheRoot } from '../binaries/cache.ts'
import { type Progress, silent } from '../progress.ts'
import type { ImageEntry } from './archive.ts'
import { ensureArchive, imagesDir } from './build.ts'
import { searchPath } from './catalog.ts'
import { ensureDebianTree, entriesOf } from './debian-tree.ts'

/** What no program looks at. */
const superfluous = /^\/usr\/share\/(doc|man|info|locale|lintian|bash-completion)|^\/usr\/lib\/[^/]+\/(perl|gconv)/

export interface PackagedImage {
  /** Full reference. */
  readonly name: string
  /** Packages of Debian that it is made of. */
  readonly packages: readonly [string, ...string[]]
  readonly files: readonly ImageEntry[]
}

/** An archive of an image of Debian's packages and files of this machine, for root. @returns its path */
export async function ensurePackagedImage(
  { name, packages, files }: PackagedImage,
  progress: Progress = silent,
): Promise<string> {
  const tree = await ensureDebianTree(packages, path.join(cacheRoot(), 'debian'), progress)
  const folders = ['/dev', '/proc', '/sys', '/tmp', '/var/run'].map((folder) => ({
    path: folder,
    directory: true as const,
  }))
  const image = {
    names: [name] as [string],
    config: { Env: [searchPath] },
    layers: [[...entriesOf(tree, superfluous), ...folders], files],
  }
  return await ensureArchive(path.posix.basename(name).replaceAll(':', '-'), image, imagesDir())
}
