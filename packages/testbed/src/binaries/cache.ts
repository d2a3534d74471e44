import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { type ToolSet, type ToolSetPin, toolSets } from '../versions.ts'

/** `linux` and `amd64`, as Go and the release archives call them. */
export interface Platform {
  readonly os: string
  readonly arch: string
}

export const thisPlatform: Platform = { os: process.platform, arch: process.arch === 'x64' ? 'amd64' : process.arch }

/** Flags that every binary is built with: reproducible paths, no debug information (it would cost half the build time). */
export const buildFlags = ['-trimpath', '-gcflags=all=-dwarf=false'] as const

export const cacheRoot = (env: NodeJS.ProcessEnv = process.env): string =>
  path.join(env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'kosmos')

const modulesRoot = path.join(import.meta.dirname, '..', '..', 'modules')

/** Folder of a tool set's Go module: go.mod, go.sum and a tools.go that names its commands, or commands of ours. */
export const moduleDir = (set: ToolSet): string => path.join(modulesRoot, set)

export function linkerFlags(pin: ToolSetPin): string {
  return ['-s', '-w', ...Object.entries(pin.variables ?? {}).map(([name, value]) => `-X ${name}=${value}`)].join(' ')
}

/** Go source of the commands that are ours, which lie in folders of their own below a module; tools.go is none. */
const commandSources = (module: string): string[] =>
  globSync('*/**/*.go', { cwd: module })
    .sort()
    .map((file) => path.join(module, file))

/** Where the binaries of a tool set lie; the folder changes with version, platform, build flags, dependencies and our source. */
export function binDir(set: ToolSet, root = cacheRoot(), platform = thisPlatform, module = moduleDir(set)): string {
  const pin = toolSets[set]
  const inputs = [
    ...buildFlags,
    linkerFlags(pin),
    ...(pin.tags ?? []),
    readFileSync(path.join(module, 'go.sum')),
    ...commandSources(module).map((file) => readFileSync(file)),
  ]
  const key = createHash('sha256')
  for (const input of inputs) key.update(input).update('\0')
  return path.join(
    root,
    'bin',
    `${platform.os}-${platform.arch}`,
    `${set}-${pin.version}-${key.digest('hex').slice(0, 12)}`,
  )
}

/** The tool set that a binary belongs to, or undefined when we do not know it. */
export function toolSetOf(binary: string): ToolSet | undefined {
  return (Object.keys(toolSets) as ToolSet[]).find((set) => Object.hasOwn(toolSets[set].binaries, binary))
}
