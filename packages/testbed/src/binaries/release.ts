import { type OfficialRelease, type ToolSet, toolSets } from '../versions.ts'
import type { Platform } from './cache.ts'

/** A file of an official release, and the binaries that it holds. */
export interface Download {
  readonly url: string
  readonly checksumUrl?: string
  /** Binary name → path inside the .tar.gz; empty when the file is the binary itself. */
  readonly members: Readonly<Record<string, string>>
  readonly names: readonly string[]
  /** Somebody configured this place (a mirror): worth trying even when the internet is out of reach. */
  readonly configured: boolean
}

/** Which files to fetch for the named binaries; those that no release holds are left out. */
export function downloadsFor(
  set: ToolSet,
  names: readonly string[],
  platform: Platform,
  env: Readonly<Record<string, string | undefined>>,
): Download[] {
  const pin = toolSets[set]
  const byUrl = new Map<string, Download>()
  for (const name of names) {
    const binary = pin.binaries[name]
    if (!binary || binary.official === false) continue
    const release: OfficialRelease = { ...pin.release, ...binary.release }
    const values = { version: pin.version, number: pin.version.replace(/^v/, ''), name, ...platform }
    const fill = (text: string): string =>
      text.replace(/\{(\w+)\}/g, (all, key: keyof typeof values) => values[key] ?? all)
    const configured = env[release.baseUrlVariable]
    const base = (configured || release.baseUrl).replace(/\/+$/, '')
    const url = `${base}/${fill(release.path)}`
    const known = byUrl.get(url)
    byUrl.set(url, {
      url,
      ...(release.checksumPath ? { checksumUrl: `${base}/${fill(release.checksumPath)}` } : {}),
      members: { ...known?.members, ...(release.member ? { [name]: fill(release.member) } : {}) },
      names: [...(known?.names ?? []), name],
      configured: Boolean(configured),
    })
  }
  return [...byUrl.values()]
}

/** The SHA-256 of `file` from a checksum file: a bare digest, or the line of that file (`digest  name`). */
export function digestOf(checksums: string, file: string): string | undefined {
  const lines = checksums
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+\*?/))
  const named = lines.find(([, name]) => name?.split('/').at(-1) === file)
  const [digest] = named ?? (lines.length === 1 && lines[0]?.length === 1 ? lines[0] : [])
  return digest && /^[0-9a-f]{64}$/i.test(digest) ? digest.toLowerCase() : undefined
}
