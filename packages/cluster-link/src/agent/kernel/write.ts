import type { Charon } from '../ipsec/charon.ts'
import { CommandFailed, type Shell } from '../shell/shell.ts'
import type { Tunnels } from '../wireguard/tunnel.ts'
import type { Command } from './command.ts'
import { type Action, render } from './render.ts'
import type { Step } from './step.ts'

/** What encrypts and takes more than commands. */
export interface Programs {
  readonly tunnels: Tunnels
  readonly charon: Charon
}

/** Does the steps one after the other; throws at the first that fails. */
export async function writeKernel(shell: Shell, programs: Programs, steps: readonly Step[]): Promise<void> {
  for (const action of render(steps)) await act(shell, programs, action)
}

async function act(shell: Shell, { tunnels, charon }: Programs, action: Action): Promise<void> {
  if ('run' in action) await runCommand(shell, action.run)
  else if ('configure' in action) await tunnels.configure(action.configure)
  else if ('startTunnel' in action) await tunnels.start(action.startTunnel)
  else if ('startIpsec' in action) await charon.start(action.startIpsec)
  else if ('removeIpsec' in action) await charon.remove()
  else {
    const { ipsecs, implementation } = action.configureIpsec
    await charon.configure([...ipsecs.values()], implementation)
  }
}

async function runCommand(shell: Shell, { argv, stdin }: Command): Promise<void> {
  try {
    await shell.run(argv, stdin)
  } catch (error) {
    throw error instanceof CommandFailed ? withLine(error, stdin) : error
  }
}

/** A batch says at which line it failed; people need to know which one that is. */
function withLine(error: CommandFailed, stdin: string): CommandFailed {
  const [, number] = /Command failed -:(\d+)/.exec(error.stderr) ?? []
  const line = number === undefined ? undefined : stdin.split('\n')[Number(number) - 1]
  // Some commands end the batch without a word about which.
  if (line === undefined)
    return stdin === '' ? error : new CommandFailed([...error.argv, excerpt(stdin)], error.code, error.stderr)
  const reason = error.stderr.replace(/\s*Command failed -:\d+\s*/, '').trim()
  return new CommandFailed([error.argv[0] ?? '', line], error.code, reason)
}

const excerptLength = 300

function excerpt(batch: string): string {
  const lines = batch.trim().replaceAll('\n', '; ')
  return lines.length > excerptLength ? `${lines.slice(0, excerptLength)}…` : lines
}
