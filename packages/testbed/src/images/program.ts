import path from 'node:path'
import { ensurePrograms } from '../binaries/debian.ts'
import { silent } from '../progress.ts'
import type { ImageEntry } from './archive.ts'
import { appletsOf, ensureArchive, imagesDir } from './build.ts'
import { searchPath, userland } from './catalog.ts'
import { withLibraries } from './libraries.ts'

export interface ProgramImage {
  /** Full reference. */
  readonly name: string
  /** Programs of this machine by their path in the image; their libraries come along. */
  readonly programs: Readonly<Record<string, string>>
  readonly files: readonly ImageEntry[]
  readonly command: readonly string[]
}

/** An archive of an image of programs of this machine on a busybox. @returns its path */
export async function ensureProgramImage({ name, programs, files, command }: ProgramImage): Promise<string> {
  const { busybox } = await ensurePrograms(['busybox'], silent)
  const image = {
    names: [name] as [string],
    config: { Env: [searchPath], Cmd: command },
    layers: [userland({ busybox, applets: await appletsOf(busybox) }), await withLibraries(programs), files],
  }
  return await ensureArchive(path.posix.basename(name).replaceAll(':', '-'), image, imagesDir())
}
