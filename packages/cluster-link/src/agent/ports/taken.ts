import type { LinkDevice } from '@kosmos/api'
import type { Step } from '../kernel/step.ts'
import type { Shell } from '../shell/shell.ts'
import { holderOf, vxlanUsers } from './holder.ts'

/** Somebody else on the node listens on the UDP port of a tunnel. */
export class PortTaken extends Error {
  constructor(device: string, port: number, holder: string, options?: ErrorOptions) {
    super(`UDP port ${port} of ${device} is taken by ${holder}`, options)
    this.name = 'PortTaken'
  }
}

/**
 * Throws {@link PortTaken} if a VXLAN device that is about to be made would share its port with one that is not ours. The kernel
 * lets them, and then our firewall would drop what is for the other one.
 */
export async function refuseSharedPorts(shell: Shell, steps: readonly Step[]): Promise<void> {
  const added = steps.flatMap((step) => (step.do === 'link.add' && step.link.vxlan ? [step.link] : []))
  if (added.length === 0) return
  const users = await vxlanUsers(shell)
  for (const { name, vxlan } of added) {
    const other = users.find(({ device, port }) => port === vxlan?.port && device !== name)
    if (other) throw new PortTaken(name, other.port, `the device ${other.device}`)
  }
}

/** EADDRINUSE, as ip and wg say it. */
const refusal = /Address already in use/

/** What the kernel refused, as a {@link PortTaken} if it is that. @param devices those that were to be made */
export async function namingPort(shell: Shell, devices: readonly LinkDevice[], error: unknown): Promise<unknown> {
  const { message } = error as Error
  if (!refusal.test(message)) return error
  const found = devices.find(({ name }) => message.includes(`${name} `) || message.includes(`${name}:`))
  if (found?.port === undefined) return error
  const { name, port } = found
  return new PortTaken(name, port, await holderOf(shell, name, port), { cause: error })
}
