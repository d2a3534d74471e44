import { rm } from 'node:fs/promises'
import { diff } from './kernel/diff.ts'
import { readKernel } from './kernel/read.ts'
import { nothing } from './kernel/state.ts'
import { writeKernel } from './kernel/write.ts'
import type { Shell } from './shell/shell.ts'

/** Takes everything of ours from a node: what is in the kernel, the tunnel's process, the keys. */
export async function removeEverything(shell: Shell, stateDir: string): Promise<void> {
  const { state } = await readKernel(shell)
  // wireguard-go ends with its device.
  const noTunnels = { start: unexpected, configure: unexpected }
  await writeKernel(shell, noTunnels, diff(state, nothing))
  await rm(stateDir, { recursive: true, force: true })
}

async function unexpected(): Promise<never> {
  throw new Error('removing never starts a tunnel')
}
