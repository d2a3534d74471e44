import { createHash } from 'node:crypto'
import { chmodSync, createWriteStream, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { openPromise } from 'yauzl'
import type { Progress } from '../progress.ts'
import { goToolchain, goToolchainSums } from '../versions.ts'
import { thisPlatform } from './cache.ts'
import { createFetcher } from './fetch.ts'

/** Fetches the Go toolchain from the module proxies of GOPROXY into `home`, verified against the pinned checksum. */
export async function fetchToolchain(home: string, env: NodeJS.ProcessEnv, progress: Progress): Promise<void> {
  const platform = `${thisPlatform.os}-${thisPlatform.arch}`
  const wanted = goToolchainSums[platform]
  if (!wanted) throw new Error(`${goToolchain} is not pinned for ${platform}`)
  mkdirSync(path.dirname(home), { recursive: true })
  const scratch = mkdtempSync(`${home}.fetch-`)
  const fetcher = createFetcher()
  try {
    const zip = path.join(scratch, 'toolchain.zip')
    const prefix = `golang.org/toolchain@v0.0.1-${goToolchain}.${platform}/`
    await firstOf(proxies(env.GOPROXY), (proxy) =>
      fetcher.save(`${proxy}/golang.org/toolchain/@v/v0.0.1-${goToolchain}.${platform}.zip`, zip, (done) =>
        progress.update(`downloading ${goToolchain}: ${(done / 2 ** 20).toFixed(0)} MiB`),
      ),
    )
    const tree = path.join(scratch, 'go')
    const sum = await unpack(zip, prefix, tree)
    if (sum !== wanted) throw new Error(`the toolchain has checksum ${sum}, but ${wanted} is pinned`)
    rmSync(home, { recursive: true, force: true })
    renameSync(tree, home)
    progress.step(`fetched ${goToolchain}`)
  } finally {
    await fetcher.close()
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** Proxies that GOPROXY names, in order; `direct` and `off` cannot bring a toolchain. */
export function proxies(variable = ''): string[] {
  const named = variable
    .split(/[,|]/)
    .map((p) => p.trim().replace(/\/+$/, ''))
    .filter((p) => /^https?:\/\//.test(p))
  return named.length > 0 ? named : ['https://proxy.golang.org']
}

async function firstOf<T>(items: readonly string[], attempt: (item: string) => Promise<T>): Promise<T> {
  const failures: string[] = []
  for (const item of items) {
    try {
      return await attempt(item)
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error))
    }
  }
  throw new Error(failures.join('; '))
}

/** Unpacks a module's zip below `tree` and resolves with its h1 checksum, as in go.sum (golang.org/x/mod, dirhash.Hash1). */
async function unpack(file: string, prefix: string, tree: string): Promise<string> {
  const zip = await openPromise(file, { lazyEntries: true, autoClose: false })
  const sums: [name: string, digest: string][] = []
  try {
    for await (const entry of zip.eachEntry()) {
      if (!entry.fileName.startsWith(prefix)) throw new Error(`the zip holds ${entry.fileName}, outside of ${prefix}`)
      const target = path.join(tree, entry.fileName.slice(prefix.length))
      mkdirSync(path.dirname(target), { recursive: true })
      const hash = createHash('sha256')
      const meter = new Transform({
        transform(chunk: Buffer, _encoding, next) {
          hash.update(chunk)
          next(null, chunk)
        },
      })
      await pipeline(await zip.openReadStreamPromise(entry), meter, createWriteStream(target))
      // Module zips carry no permissions; the go command does the same for toolchains.
      if (/^(bin|pkg\/tool)\//.test(entry.fileName.slice(prefix.length))) chmodSync(target, 0o755)
      sums.push([entry.fileName, hash.digest('hex')])
    }
  } finally {
    zip.close()
  }
  sums.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  const all = sums.map(([name, digest]) => `${digest}  ${name}\n`).join('')
  return `h1:${createHash('sha256').update(all).digest('base64')}`
}
