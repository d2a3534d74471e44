import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { WireGuard } from '../kernel/state.ts'
import { writePrivate } from '../private-file.ts'
import { CommandFailed, type Shell } from '../shell/shell.ts'
import { wireGuardConf } from './conf.ts'
import type { KeyPair } from './key.ts'

/** What encrypts: the kernel, or wireguard-go behind a TUN device. */
export type Implementation = 'wireguard' | 'tun'

export interface Tunnels {
  /** Starts wireguard-go for a device, and waits for the device. */
  start(name: string): Promise<void>
  configure(wireGuard: WireGuard): Promise<void>
}

const startTimeoutMs = 15_000

/** Whether the kernel knows WireGuard, tried where nobody sees it: in a network namespace that ends with the command. */
export async function findImplementation(shell: Shell): Promise<Implementation> {
  try {
    await shell.run(['unshare', '--net', 'ip', 'link', 'add', 'kl-probe', 'type', 'wireguard'])
    return 'wireguard'
  } catch (error) {
    if (error instanceof CommandFailed) return 'tun'
    throw error
  }
}

export function createTunnels(shell: Shell, stateDir: string, loadKey: () => Promise<KeyPair>): Tunnels {
  return {
    start: async (name) => {
      const logFile = join(stateDir, `${name}.log`)
      // In the foreground of a session of its own: it goes on when the agent is restarted.
      const env = { WG_PROCESS_FOREGROUND: '1', LOG_LEVEL: 'error' }
      await shell.detach(['wireguard-go', name], env, logFile)
      const deadline = performance.now() + startTimeoutMs
      while (!(await exists(shell, name))) {
        if (performance.now() > deadline) throw new Error(`wireguard-go did not make ${name}; ${logFile} says why`)
        await sleep(20)
      }
    },
    configure: async (wireGuard) => {
      const file = join(stateDir, `${wireGuard.dev}.conf`)
      const { privateKey } = await loadKey()
      await writePrivate(file, wireGuardConf(wireGuard, privateKey))
      try {
        // Peers that stay as they are keep their session.
        await shell.run(['wg', 'syncconf', wireGuard.dev, file])
      } finally {
        await rm(file, { force: true })
      }
    },
  }
}

async function exists(shell: Shell, name: string): Promise<boolean> {
  try {
    // The device is there before wireguard-go answers for it.
    await shell.run(['wg', 'show', name, 'listen-port'])
    return true
  } catch (error) {
    if (error instanceof CommandFailed) return false
    throw error
  }
}
