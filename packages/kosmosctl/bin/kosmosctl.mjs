#!/usr/bin/env node
// Starts kosmosctl on the Node that came with the repository, if the one that runs this is too old for TypeScript.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const main = join(dirname(fileURLToPath(import.meta.url)), '..', 'src', 'main.ts')

function findModules(folder) {
  const modules = join(folder, 'node_modules')
  if (existsSync(join(modules, '.bin', 'node'))) return modules
  const parent = dirname(folder)
  return parent === folder ? undefined : findModules(parent)
}

const modules = findModules(dirname(main))
// Kept between runs, what is compiled takes half the CPU to load; where it cannot be kept, nothing is lost.
const compiled = modules && join(modules, '.cache', 'compiled')

if (Number(process.versions.node.split('.')[0]) >= 26) {
  const { enableCompileCache } = await import('node:module')
  if (compiled) enableCompileCache(compiled)
  await import(main)
} else {
  if (modules === undefined) {
    console.error(
      `kosmosctl needs Node 26 or newer, this is ${process.version}; run npm ci in the repository, which brings it`,
    )
    process.exit(1)
  }
  // Ctrl-C reaches both: the child decides what it means.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {})
  const env = { NODE_COMPILE_CACHE: compiled, ...process.env }
  const { status, signal } = spawnSync(join(modules, '.bin', 'node'), [main, ...process.argv.slice(2)], {
    stdio: 'inherit',
    env,
  })
  process.exit(signal ? 128 + constants.signals[signal] : (status ?? 1))
}
