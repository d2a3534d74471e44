import { devices, type TunnelHop } from '@kosmos/cluster-link'
import type { LinkView } from '../../network/view.ts'

/** A place where packets of a hop are counted, and by which counter. */
export interface Stage {
  /** `cluster/node`. */
  readonly place: string
  readonly device: string
  /** The other end of the tunnel, as the node knows it. */
  readonly end: string
  readonly direction: 'transmit' | 'receive'
}

/** Where packets of a hop are counted, in the order in which they pass. Pure. */
export function stagesOf(view: LinkView, { from, to, dev, end }: TunnelHop): Stage[] {
  const sender = view.configs
    .get(to)
    ?.spec.fdbs?.find((fdb) => fdb.dev === dev && view.forwarding.nodeAt(fdb.ip) === from)
  const below = dev === devices.secure.name ? belowOf(view, from, end) : undefined
  const passed = [dev, ...(below === undefined ? [] : [below])]
  const sent = passed.map((device): Stage => ({ place: from, device, end, direction: 'transmit' }))
  if (sender === undefined) return sent
  const received = passed.map((device): Stage => ({ place: to, device, end: sender.ip, direction: 'receive' }))
  return [...sent, ...received.reverse()]
}

/** The device that encrypts for a secure address. */
function belowOf(view: LinkView, place: string, end: string): string | undefined {
  return view.configs.get(place)?.spec.routes?.find(({ cidr }) => cidr === `${end}/32`)?.dev
}
