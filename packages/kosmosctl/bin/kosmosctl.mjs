#!/usr/bin/env node
// Starts kosmosctl on the Node that came with the repository, if the one that runs this is too old for TypeScript.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const main = join(dirname(fileURLToPath(import.meta.url)), '..', 'src', 'main.ts')

function bundledNode(folder) {
  const node = join(folder, 'node_modules', '.bin', 'node')
  if (existsSync(node)) return node
  const parent = dirname(folder)
  return parent === folder ? undefined : bundledNode(parent)
}

if (Number(process.versions.node.split('.')[0]) >= 26) {
  await import(main)
} else {
  const node = bundledNode(dirname(main))
  if (node === undefined) {
    console.error(
      `kosmosctl needs Node 26 or newer, this is ${process.version}; run npm ci in the repository, which brings it`,
    )
    process.exit(1)
  }
  // Ctrl-C reaches both: the child decides what it means.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {})
  const { status, signal } = spawnSync(node, [main, ...process.argv.slice(2)], { stdio: 'inherit' })
  process.exit(signal ? 128 + constants.signals[signal] : (status ?? 1))
}
