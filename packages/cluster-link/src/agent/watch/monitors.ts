import { setTimeout as sleep } from 'node:timers/promises'
import type { Shell } from '../shell/shell.ts'
import { concernsUnderlay, concernsUs } from './events.ts'

export interface MonitorOptions {
  readonly shell: Shell
  readonly signal: AbortSignal
  /** Devices of ours, or that will be. */
  readonly devices: () => ReadonlySet<string>
  readonly onOurs: () => void
  readonly onUnderlay: () => void
}

const commands = [
  ['ip', '-oneline', 'monitor', 'link', 'address', 'route', 'rule', 'neigh', 'netconf'],
  ['nft', 'monitor'],
] as const

const restartMs = 1_000

/** Tells of changes in the kernel until the signal aborts. */
export async function followKernel(options: MonitorOptions): Promise<void> {
  const { shell, signal, devices, onOurs, onUnderlay } = options
  const onLine = (line: string) => {
    if (concernsUs(line, devices())) onOurs()
    else if (concernsUnderlay(line, devices())) onUnderlay()
  }
  const pause = () => sleep(restartMs, undefined, { signal })
  const follow = async (argv: readonly string[]) => {
    while (!signal.aborted) {
      // What happened before it listens was not heard of.
      void pause().then(onOurs, () => {})
      await shell.follow(argv, { signal, onLine }).catch(() => {})
      await pause().catch(() => {})
    }
  }
  await Promise.all(commands.map(follow))
}
