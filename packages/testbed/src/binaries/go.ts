import { existsSync } from 'node:fs'
import path from 'node:path'
import { withLock } from '../processes/lock.ts'
import type { Progress } from '../progress.ts'
import { goToolchain } from '../versions.ts'
import { cacheRoot } from './cache.ts'
import { BinaryMissing } from './errors.ts'
import { runGo } from './go-command.ts'
import { fetchToolchain } from './toolchain.ts'

/**
 * A Go that is new enough: from PATH, /usr/local/go, the cache, else fetched from the Go module proxy.
 * @throws BinaryMissing
 */
export async function findGo(progress: Progress, env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const own = path.join(cacheRoot(env), 'go', goToolchain, 'bin', 'go')
  const onPath = (env.PATH ?? '').split(path.delimiter).map((dir) => path.join(dir, 'go'))
  for (const candidate of [...onPath, '/usr/local/go/bin/go', own]) {
    if (existsSync(candidate) && (await isNewEnough(candidate))) return candidate
  }
  const home = path.join(cacheRoot(env), 'go', goToolchain)
  return withLock(home, progress, async () => {
    if (!existsSync(own)) {
      try {
        await fetchToolchain(home, env, progress)
      } catch (cause) {
        const why = cause instanceof Error ? cause.message : String(cause)
        throw new BinaryMissing(
          ['go'],
          `no Go ${goToolchain.slice(2)} or newer on PATH or in /usr/local/go, and it cannot be fetched: ${why}`,
          { cause },
        )
      }
    }
    return own
  })
}

async function isNewEnough(go: string): Promise<boolean> {
  const version = await runGo(go, ['env', 'GOVERSION'], '/').catch(() => '')
  return compareGo(version.trim(), goToolchain) >= 0
}

/** Compares `go1.26.8` with `go1.27rc1`: negative when `a` is older. A string that is no Go version is the oldest. */
export function compareGo(a: string, b: string): number {
  const parts = (version: string): number[] =>
    (/^go(\d+)\.(\d+)(?:\.(\d+))?/.exec(version) ?? []).slice(1).map((p) => Number(p ?? 0))
  const [x, y] = [parts(a), parts(b)]
  for (let i = 0; i < 3; i++) {
    const difference = (x[i] ?? -1) - (y[i] ?? -1)
    if (difference !== 0) return difference
  }
  return 0
}
