import { rm } from 'node:fs/promises'
import { createCharon } from './ipsec/charon.ts'
import { diff } from './kernel/diff.ts'
import { readKernel } from './kernel/read.ts'
import { nothing } from './kernel/state.ts'
import { writeKernel } from './kernel/write.ts'
import type { Shell } from './shell/shell.ts'

/** Takes everything of ours from a node: what is in the kernel, the tunnel's process, the keys; gives how much there was. */
export async function removeEverything(shell: Shell, stateDir: string): Promise<number> {
  const { state } = await readKernel(shell, stateDir)
  // wireguard-go ends with its device.
  const noTunnels = { start: unexpected, configure: unexpected }
  const steps = diff(state, nothing)
  const charon = createCharon(shell, stateDir, unexpected)
  await writeKernel(shell, { tunnels: noTunnels, charon }, steps)
  // It may run without its device.
  await charon.remove()
  await rm(stateDir, { recursive: true, force: true })
  return steps.length
}

async function unexpected(): Promise<never> {
  throw new Error('removing never starts a tunnel')
}
