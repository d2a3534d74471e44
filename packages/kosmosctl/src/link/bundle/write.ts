import { mkdir, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Failure } from '../../terminal/failure.ts'
import { archive } from './archive.ts'

/** What a bundle is called that nobody has named. Pure. */
export const usualFile = (now: Date): string =>
  `kosmos-link-${now.toISOString().replace(/\.\d+/, '').replaceAll(/[-:]/g, '')}.tar.gz`

/** A new .tar.gz of the files, in a folder of its name. */
export async function writeArchive(file: string, files: ReadonlyMap<string, string>, now: Date): Promise<void> {
  const folder = path.basename(file).replace(/\.(tar\.gz|tgz)$/, '')
  await written(
    file,
    '--file',
    archive(folder, files, now).then((content) => writeNew(file, content)),
  )
}

/** The files below a folder that is made, or has nothing in it. */
export async function writeFolder(folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  await written(folder, '--output-directory', intoEmpty(folder, files))
}

async function intoEmpty(folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  const made = await mkdir(folder, { recursive: true, mode: 0o700 })
  if (made === undefined && (await readdir(folder)).length > 0) {
    throw new Failure(`${folder} is not empty`, { next: 'give another --output-directory' })
  }
  for (const [name, text] of files) {
    const file = path.join(folder, name)
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
    await writeNew(file, text)
  }
}

/** Only for who runs this: there are addresses in it. */
const writeNew = (file: string, content: string | Buffer) => writeFile(file, content, { flag: 'wx', mode: 0o600 })

async function written(where: string, option: string, work: Promise<void>): Promise<void> {
  try {
    await work
  } catch (cause) {
    if (cause instanceof Failure) throw cause
    const isThere = (cause as NodeJS.ErrnoException).code === 'EEXIST'
    throw new Failure(isThere ? `${where} exists` : `${where} cannot be written: ${(cause as Error).message}`, {
      next: `give another ${option}`,
      cause,
    })
  }
}
