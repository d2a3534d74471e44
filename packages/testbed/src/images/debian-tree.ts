import { execFile } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, readdirSync, readlinkSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { BinaryMissing } from '../binaries/errors.ts'
import { withLock } from '../processes/lock.ts'
import { type Progress, silent } from '../progress.ts'
import type { ImageEntry } from './archive.ts'

const run = promisify(execFile)

/**
 * Debian packages with everything that they depend on, unpacked into a folder of the cache; nothing is installed on this
 * machine, and no script of a package runs.
 * @returns the folder
 * @throws BinaryMissing where there is no apt, or it does not reach an archive
 */
export async function ensureDebianTree(
  names: readonly [string, ...string[]],
  dir: string,
  progress: Progress = silent,
): Promise<string> {
  const tree = path.join(dir, names.join('+'))
  await withLock(tree, progress, async () => {
    if (existsSync(tree)) return
    progress.step(`fetching from Debian: ${names.join(', ')}, and what they depend on`)
    const partial = `${tree}.partial`
    rmSync(partial, { recursive: true, force: true })
    try {
      for (const archive of await download(names, `${partial}.debs`)) await run('dpkg-deb', ['-x', archive, partial])
    } catch (cause) {
      throw new BinaryMissing([...names], `its Debian packages cannot be fetched: ${(cause as Error).message}`, {
        cause,
      })
    } finally {
      rmSync(`${partial}.debs`, { recursive: true, force: true })
    }
    renameSync(partial, tree)
  })
  return tree
}

/** With the status of a machine on which nothing is installed, apt fetches everything. */
async function download(names: readonly string[], dir: string): Promise<string[]> {
  mkdirSync(path.join(dir, 'partial'), { recursive: true })
  const options = [
    'Dir::State::status=/dev/null',
    `Dir::Cache::archives=${dir}/`,
    'APT::Sandbox::User=root',
    'DPkg::Lock::Timeout=120',
  ]
  const flags = ['-y', '-q', '--no-install-recommends', '--download-only', ...options.flatMap((o) => ['-o', o])]
  await run('apt-get', ['update', '-q'], { maxBuffer: 2 ** 24 })
  await run('apt-get', [...flags, 'install', ...names], { maxBuffer: 2 ** 24 })
  return readdirSync(dir).flatMap((file) => (file.endsWith('.deb') ? path.join(dir, file) : []))
}

/** Everything below a folder as entries of an image, but for paths that match. */
export function entriesOf(root: string, except: RegExp, below = '/'): ImageEntry[] {
  return readdirSync(path.join(root, below))
    .sort()
    .flatMap((name) => {
      const inImage = path.posix.join(below, name)
      return except.test(inImage) ? [] : entry(root, except, inImage)
    })
}

function entry(root: string, except: RegExp, inImage: string): ImageEntry[] {
  const source = path.join(root, inImage)
  const stat = lstatSync(source)
  const mode = stat.mode & 0o7777
  if (stat.isSymbolicLink()) return [{ path: inImage, linkTo: readlinkSync(source) }]
  if (stat.isDirectory()) return [{ path: inImage, directory: true, mode }, ...entriesOf(root, except, inImage)]
  return stat.isFile() ? [{ path: inImage, source, mode }] : []
}
