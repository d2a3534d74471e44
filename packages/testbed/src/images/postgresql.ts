import { readdirSync } from 'node:fs'
import path from 'node:path'
import { cacheRoot } from '../binaries/cache.ts'
import { type Progress, silent } from '../progress.ts'
import type { Image, ImageEntry } from './archive.ts'
import { searchPath } from './catalog.ts'
import { ensureDebianTree, entriesOf } from './debian-tree.ts'

/** Of what the packages bring, the compiler of queries, Perl and documents: two thirds, and an image runs without. */
const superfluous =
  /^\/etc\/(passwd|group)$|^\/usr\/share\/(doc|man|info|locale|lintian|perl)|LLVM|llvm|libz3|\/bitcode$|perl-base$/

const programsIn = '/usr/lib/postgresql'

/** The name of the image: its tag is the major version that this Debian has, by which CloudNativePG knows it. */
export async function postgresqlImageName(progress: Progress = silent): Promise<string> {
  return nameOf(await packages(progress))
}

/**
 * PostgreSQL as Debian has it, the shell and its commands from busybox, with the user that CloudNativePG's images have
 * (postgres-containers, Dockerfile).
 */
export async function postgresql(base: readonly ImageEntry[], progress: Progress): Promise<Image> {
  const tree = await packages(progress)
  // Before Debian's wrappers of the same names, which are Perl.
  const programPath = searchPath.replace('=', `=${programsIn}/${majorOf(tree)}/bin:`)
  return {
    names: [nameOf(tree)],
    config: { User: '26', Env: [programPath, 'LANG=C.UTF-8'], Cmd: ['postgres'] },
    layers: [
      base,
      entriesOf(tree, superfluous),
      [
        {
          path: '/etc/passwd',
          content: 'root:x:0:0:root:/root:/bin/sh\npostgres:x:26:26::/var/lib/postgresql:/bin/sh\n',
        },
        { path: '/etc/group', content: 'root:x:0:\npostgres:x:26:\n' },
      ],
    ],
  }
}

const packages = (progress: Progress) => ensureDebianTree(['postgresql'], path.join(cacheRoot(), 'debian'), progress)

const nameOf = (tree: string) => `debian.example/postgresql:${majorOf(tree)}`

function majorOf(tree: string): string {
  const [major] = readdirSync(path.join(tree, programsIn))
  if (major === undefined) throw new Error(`no PostgreSQL in ${tree}`)
  return major
}
