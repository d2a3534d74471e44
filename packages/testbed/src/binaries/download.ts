import { chmodSync, createReadStream, createWriteStream, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import tar from 'tar-stream'
import type { Progress } from '../progress.ts'
import type { ToolSet } from '../versions.ts'
import { thisPlatform } from './cache.ts'
import { createFetcher, type Fetcher, Unreachable } from './fetch.ts'
import { type Download, digestOf, downloadsFor } from './release.ts'

/** What one command has learnt about the network, so that it does not wait for every archive in vain. */
export interface Network {
  reachable: boolean
}

/**
 * Puts those of the named binaries into `dir` that can be had from official release archives, checksum verified. Never
 * throws for one that cannot: it says why on `progress` and leaves it to be built. `KOSMOS_DOWNLOAD=never` skips it all.
 */
export async function download(
  set: ToolSet,
  names: readonly string[],
  dir: string,
  network: Network,
  progress: Progress,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<void> {
  if (env.KOSMOS_DOWNLOAD === 'never') return
  const fetcher = createFetcher()
  try {
    for (const file of downloadsFor(set, names, thisPlatform, env)) {
      if (!network.reachable && !file.configured) continue
      try {
        await install(file, dir, fetcher, progress)
        progress.step(`downloaded ${file.names.join(', ')}`)
      } catch (error) {
        if (error instanceof Unreachable && !file.configured) network.reachable = false
        progress.step(`no download of ${file.names.join(', ')}: ${error instanceof Error ? error.message : error}`)
      }
    }
  } finally {
    await fetcher.close()
  }
}

async function install(file: Download, dir: string, fetcher: Fetcher, progress: Progress): Promise<void> {
  if (!file.checksumUrl) throw new Error('its checksum is not published')
  const base = path.basename(new URL(file.url).pathname)
  const wanted = digestOf(await fetcher.text(file.checksumUrl), base)
  if (!wanted) throw new Error(`${file.checksumUrl} has no SHA-256 of ${base}`)
  mkdirSync(dir, { recursive: true })
  const scratch = mkdtempSync(path.join(dir, '.download-'))
  try {
    const archive = path.join(scratch, base)
    const digest = await fetcher.save(file.url, archive, (done, total) => progress.update(shown(base, done, total)))
    if (digest !== wanted)
      throw new Error(`${file.url} has SHA-256 ${digest}, but ${wanted} is published; it is not used`)
    const extracted = await extract(archive, file, scratch)
    for (const [name, from] of Object.entries(extracted)) {
      chmodSync(from, 0o755)
      renameSync(from, path.join(dir, name))
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** The files of the binaries by their name. */
async function extract(
  archive: string,
  { url, members, names }: Download,
  scratch: string,
): Promise<Record<string, string>> {
  const wanted = new Map(Object.entries(members).map(([name, member]) => [member, name]))
  if (wanted.size === 0) return Object.fromEntries(names.map((name) => [name, archive]))
  const found: Record<string, string> = {}
  const entries = tar.extract()
  const take = async () => {
    for await (const entry of entries) {
      const name = wanted.get(entry.header.name.replace(/^\.\//, ''))
      if (name && entry.header.type === 'file') {
        found[name] = path.join(scratch, `${name}.extracted`)
        await pipeline(entry, createWriteStream(found[name]))
      } else {
        entry.resume()
      }
    }
  }
  try {
    await Promise.all([pipeline(createReadStream(archive), createGunzip(), entries), take()])
  } catch (error) {
    throw new Error(`${url} cannot be read: ${(error as Error).message}`, { cause: error })
  }
  const missing = names.filter((name) => !(name in found))
  if (missing.length > 0) throw new Error(`${url} does not hold ${missing.map((name) => members[name]).join(', ')}`)
  return found
}

function shown(file: string, done: number, total: number | undefined): string {
  const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(0)
  return `downloading ${file}: ${mib(done)}${total ? ` of ${mib(total)}` : ''} MiB`
}
