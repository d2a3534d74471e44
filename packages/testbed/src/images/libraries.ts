import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { ImageEntry } from './archive.ts'

const run = promisify(execFile)

/** Files that a dynamically linked program loads, from what ldd(1) prints about it; none for a static one. */
export function parseLdd(text: string): string[] {
  return text.split('\n').flatMap((line) => /(?:=> |^\s+)(\/\S+) \(0x/.exec(line)?.[1] ?? [])
}

/** Programs of this machine, by their path in the image, and every library that they load, at its own path. */
export async function withLibraries(programs: Readonly<Record<string, string>>): Promise<ImageEntry[]> {
  const entries = new Map<string, ImageEntry>()
  for (const [path, source] of Object.entries(programs)) {
    entries.set(path, { path, source, mode: 0o755 })
    const { stdout } = await run('ldd', [source])
    for (const library of parseLdd(stdout)) entries.set(library, { path: library, source: library, mode: 0o755 })
  }
  return [...entries.values()]
}
