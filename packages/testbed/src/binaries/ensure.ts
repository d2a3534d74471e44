import { existsSync } from 'node:fs'
import path from 'node:path'
import PQueue from 'p-queue'
import { withLock } from '../processes/lock.ts'
import { type Progress, silent } from '../progress.ts'
import type { ToolSet } from '../versions.ts'
import { build, planBuild } from './build.ts'
import { binDir, toolSetOf } from './cache.ts'
import { download, type Network } from './download.ts'
import { findGo } from './go.ts'

/** Absolute path of each binary, by its name. */
export type Binaries<Name extends string = string> = Readonly<Record<Name, string>>

interface Run {
  readonly network: Network
  /** One Go build at a time: each uses all cores. */
  readonly builds: PQueue
  readonly go: () => Promise<string>
  readonly progress: Progress
}

/**
 * Makes sure that the named binaries are on this machine: from the cache, else from the official release archive, else
 * built from the Go module below `modules/`. Asks for nothing that is there already. Two processes may do so at once.
 * @throws BinaryMissing, saying which one and why
 */
export async function ensureBinaries<Name extends string>(
  names: readonly Name[],
  progress: Progress = silent,
): Promise<Binaries<Name>> {
  const places = names.map((name) => {
    const set = toolSetOf(name)
    if (!set) throw new TypeError(`no binary named ${name} is pinned in versions.ts`)
    return { name, set, file: path.join(binDir(set), name) }
  })
  const missing = places.filter(({ file }) => !existsSync(file))
  if (missing.length > 0) {
    let go: Promise<string> | undefined
    const run: Run = {
      network: { reachable: true },
      builds: new PQueue({ concurrency: 1 }),
      go: () => (go ??= findGo(progress)),
      progress,
    }
    const bySet = Map.groupBy(missing, ({ set }) => set)
    const results = await Promise.allSettled(
      [...bySet].map(([set, list]) =>
        ensureSet(
          set,
          list.map(({ name }) => name),
          run,
        ),
      ),
    )
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }
  return Object.fromEntries(places.map(({ name, file }) => [name, file])) as Record<Name, string>
}

async function ensureSet(
  set: ToolSet,
  names: readonly string[],
  { network, builds, go, progress }: Run,
): Promise<void> {
  const dir = binDir(set)
  const missing = (): string[] => names.filter((name) => !existsSync(path.join(dir, name)))
  await withLock(dir, progress, async () => {
    if (missing().length > 0) await download(set, missing(), dir, network, progress)
    if (missing().length === 0) return
    // Planning fetches modules, so it overlaps with the build of another tool set.
    const plan = await planBuild(await go(), set, missing())
    await builds.add(async () => build(await go(), plan, dir, progress))
  })
}
