import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { cacheRoot } from '../binaries/cache.ts'
import { type Image, writeArchive } from './archive.ts'
import { describeImage, type ImageName, type ImageSources } from './catalog.ts'
import { withLibraries } from './libraries.ts'

const run = promisify(execFile)

/** Programs by name; those that only some images need may be absent. */
export type ImageBinaries = Omit<ImageSources, 'applets' | 'tools' | 'fileSystemTools'> & {
  readonly curl?: string
  readonly dig?: string
  readonly nc?: string
  readonly 'mkfs.xfs'?: string
  readonly xfs_growfs?: string
}

/**
 * Makes sure that an archive of each image lies in the cache.
 * @param dir folder of the cache
 * @returns paths of the archives, in the order of the names
 */
export async function ensureImages(
  names: readonly ImageName[],
  binaries: ImageBinaries,
  dir: string,
): Promise<string[]> {
  mkdirSync(dir, { recursive: true })
  const sources: ImageSources = {
    ...binaries,
    applets: await appletsOf(binaries.busybox),
    tools: names.includes('agnhost') ? await withLibraries(agnhostTools(binaries)) : [],
    fileSystemTools: names.includes('csi-hostpath') ? await withLibraries(fileSystemTools(binaries)) : [],
  }
  return Promise.all(names.map((name) => ensureArchive(name, describeImage(name, sources), dir)))
}

/** Where archives of images are kept. */
export const imagesDir = (): string => path.join(cacheRoot(), 'images')

/** The archive of an image; it is made when its description or a file that it copies has changed. */
export async function ensureArchive(name: string, image: Image, dir: string): Promise<string> {
  mkdirSync(dir, { recursive: true })
  const file = path.join(dir, `${name}-${keyOf(image)}.tar`)
  if (!existsSync(file)) await writeArchive(image, file)
  return file
}

/** The commands that a busybox has. */
export async function appletsOf(busybox: string): Promise<string[]> {
  const { stdout } = await run(busybox, ['--list'])
  return stdout.split('\n').filter((applet) => applet !== '')
}

/** Before busybox in the image's search path: tests rely on options that its own versions lack. */
function agnhostTools(binaries: ImageBinaries): Record<string, string> {
  return inFolder('/usr/local/bin', binaries, ['curl', 'dig', 'nc'])
}

function fileSystemTools(binaries: ImageBinaries): Record<string, string> {
  return inFolder('/usr/sbin', binaries, ['mkfs.xfs', 'xfs_growfs'])
}

function inFolder(folder: string, binaries: ImageBinaries, names: readonly (keyof ImageBinaries)[]) {
  const programs = names.map((name) => [`${folder}/${name}`, binaries[name]])
  return Object.fromEntries(programs.filter(([, source]) => source !== undefined))
}

/** Changes with the description of the image and with every file that it copies. */
function keyOf(image: Image): string {
  const hash = createHash('sha256').update(JSON.stringify(image))
  for (const entry of image.layers.flat()) {
    if (!('source' in entry)) continue
    const { size, mtimeMs } = statSync(entry.source)
    hash.update(`\0${size} ${mtimeMs}`)
  }
  return hash.digest('hex').slice(0, 12)
}
