import { existsSync } from 'node:fs'
import path from 'node:path'
import { type Progress, silent } from '../progress.ts'
import type { ToolSet } from '../versions.ts'
import { build } from './build.ts'
import { binDir, toolSetOf } from './cache.ts'
import { download } from './download.ts'
import { withLock } from './lock.ts'

/** Absolute path of each binary, by its name. */
export type Binaries<Name extends string = string> = Readonly<Record<Name, string>>

/**
 * Makes sure that the named binaries are on this machine: from the cache, else from the official release archive, else
 * built from the Go module below `modules/`. Asks for nothing that is there already.
 * @throws BinaryMissing, saying which one and why.
 */
export async function ensureBinaries<Name extends string>(
  names: readonly Name[],
  progress: Progress = silent,
): Promise<Binaries<Name>> {
  const bySet = new Map<ToolSet, Name[]>()
  for (const name of names) {
    const set = toolSetOf(name)
    if (!set) throw new TypeError(`no binary named ${name} is pinned in versions.ts`)
    bySet.set(set, [...(bySet.get(set) ?? []), name])
  }
  for (const [set, wanted] of bySet) await ensureSet(set, wanted, progress)
  const pathOf = (name: Name): string => path.join(binDir(toolSetOf(name) as ToolSet), name)
  return Object.fromEntries(names.map((name) => [name, pathOf(name)])) as Record<Name, string>
}

async function ensureSet(set: ToolSet, names: readonly string[], progress: Progress): Promise<void> {
  const dir = binDir(set)
  const missing = (): string[] => names.filter((name) => !existsSync(path.join(dir, name)))
  if (missing().length === 0) return
  await withLock(`${dir}.lock`, progress, async () => {
    if (missing().length > 0) await download(set, missing(), dir, progress)
    if (missing().length > 0) await build(set, missing(), dir, progress)
  })
}
