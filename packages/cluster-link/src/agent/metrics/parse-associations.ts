import { isOurs } from '../ipsec/connection.ts'
import type { ViciMessage, ViciValue } from '../ipsec/vici-message.ts'
import type { HandshakeFigures } from './figures.ts'
import type { PeerFigures } from './parse-peers.ts'

interface Association {
  readonly end: string
  /** Seconds since 1970. */
  readonly at: number
  readonly child: ViciMessage
}

/**
 * What strongSwan's associations have counted, those of one tunnel together: while keys are renewed there are two.
 * @param sas events of `list-sas`
 * @param now seconds since 1970
 */
export function parseAssociations(sas: readonly ViciMessage[], device: string, now: number): PeerFigures {
  const children = sas
    .flatMap((sa) => Object.entries(sa))
    .filter(([name]) => isOurs(name))
    .flatMap(([, sa]) => Object.values(section(section(sa)['child-sas'])))
    .map((child): Association => {
      const found = section(child)
      return { end: endOf(found['remote-ts']), at: now - numberOf(found['install-time']), child: found }
    })
  const byEnd = [...Map.groupBy(children, ({ end }) => end)].filter(([end]) => end !== '')
  const sum = (some: readonly Association[], key: string) =>
    some.reduce((total, { child }) => total + numberOf(child[key]), 0)
  return {
    tunnels: byEnd.flatMap(([end, some]) =>
      (
        [
          ['receive', 'in'],
          ['transmit', 'out'],
        ] as const
      ).map(([direction, suffix]) => ({
        device,
        end,
        direction,
        bytes: sum(some, `bytes-${suffix}`),
        packets: sum(some, `packets-${suffix}`),
      })),
    ),
    handshakes: byEnd.map(
      ([end, some]): HandshakeFigures => ({ device, end, at: Math.max(...some.map(({ at }) => at)) }),
    ),
  }
}

function section(value: ViciValue | undefined): ViciMessage {
  return typeof value === 'object' && !Array.isArray(value) && !Buffer.isBuffer(value) ? (value as ViciMessage) : {}
}

function endOf(selectors: ViciValue | undefined): string {
  return `${[selectors ?? ''].flat()[0]}`.split('/')[0] ?? ''
}

const numberOf = (value: ViciValue | undefined): number => Number(value ?? 0) || 0
