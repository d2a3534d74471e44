import { setTimeout as sleep } from 'node:timers/promises'
import { childName, type IpsecConnection, isOurs, isToSamePeer } from './connection.ts'
import { askVici, ViciRefused, type ViciRequest } from './vici.ts'
import type { ViciMessage } from './vici-message.ts'

/** Pauses between looks at tunnels that are not there, ever more rarely. */
const pausesMs = [300, 400, 500, 1_000, 2_000, 4_000, 8_000, 15_000] as const

type Named = Pick<IpsecConnection, 'name'>

/**
 * Sets tunnels up that are not there, and ends those that they replace: the new one first, so that packets pass all the time. strongSwan does so itself after a silence, not after a refusal; and a peer
 * refuses until it has heard of us.
 */
export function createCalls(socket: string) {
  let round = new AbortController()

  const run = async (connections: readonly IpsecConnection[], signal: AbortSignal) => {
    for (const [look, pause] of pausesMs.entries()) {
      const [sas = []] = await askVici(socket, [{ command: 'list-sas', stream: 'list-sa' }])
      if (signal.aborted) return
      const isLast = look === pausesMs.length - 1
      await endTunnels(socket, isLast ? strangersIn(sas, connections) : replacedTunnels(connections, sas))
      const { missing, coming } = openTunnels(connections, sas)
      // One that is being set up may be refused yet.
      if (missing.length + coming.length + strangersIn(sas, connections).length === 0) return
      // strongSwan has its chance first. Who is called waits longer, so that the two do not meet half-way; but calls in
      // the end: the other one may think that there is a tunnel.
      const callers = missing.filter(({ isCaller }) => look > (isCaller ? 0 : 1))
      await askVici(socket, callers.map(initiation))
      await sleep(pause, undefined, { signal, ref: false })
    }
  }
  return {
    /** Instead of those before; in the background, and not for ever: it is asked again and again. */
    begin: (connections: readonly IpsecConnection[]) => {
      round.abort()
      round = new AbortController()
      run(connections, round.signal).catch(() => {})
    },
    end: () => round.abort(),
  }
}

/** Tunnels to peers that are no more, or that are others now. */
function strangersIn(sas: readonly ViciMessage[], connections: readonly Named[]): string[] {
  const wanted = new Set(connections.map(({ name }) => name))
  return [...new Set(sas.flatMap((sa) => Object.keys(sa)))].filter((name) => isOurs(name) && !wanted.has(name))
}

/** Tunnels that nobody wants as they are: those to peers that are no more, and those beside which the new one is up. */
export function replacedTunnels(connections: readonly Named[], sas: readonly ViciMessage[]): string[] {
  const up = tunnelsUp(sas)
  return strangersIn(sas, connections).filter((stranger) => {
    const successors = connections.filter(({ name }) => isToSamePeer(name, stranger))
    return successors.length === 0 || successors.some(({ name }) => up.has(name))
  })
}

export async function endTunnels(socket: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    await askVici(socket, [{ command: 'terminate', message: { ike: name, force: 'yes', timeout: '-1' } }]).catch(
      unlessGone,
    )
  }
}

/** The other end may have ended it meanwhile. */
function unlessGone(error: Error): void {
  if (!(error instanceof ViciRefused && /no matching SAs/.test(error.message))) throw error
}

/** Those that carry packets. */
function tunnelsUp(sas: readonly ViciMessage[]): Set<string> {
  return new Set(
    sas
      .flatMap((sa) => Object.entries(sa))
      .flatMap(([name, value]) => {
        const { 'child-sas': children = {} } = value as ViciMessage
        const states = Object.values(children as ViciMessage).map((child) => (child as ViciMessage).state)
        return states.includes('INSTALLED') ? [name] : []
      }),
  )
}

/** Connections that could have a tunnel, and have none; apart, those that somebody is setting up. */
export function openTunnels(
  connections: readonly IpsecConnection[],
  sas: readonly ViciMessage[],
): Record<'missing' | 'coming', readonly IpsecConnection[]> {
  const known = sas.flatMap((sa) => Object.entries(sa)) as [string, ViciMessage][]
  const named = (some: typeof known) => new Set(some.map(([name]) => name))
  const there = named(known.filter(([, { 'child-sas': children = {} }]) => Object.keys(children).length > 0))
  const begun = named(known.filter(([, { state }]) => state === 'CONNECTING'))
  const open = connections.filter(({ name, canCall }) => canCall && !there.has(name))
  return {
    missing: open.filter(({ name }) => !begun.has(name)),
    coming: open.filter(({ name }) => begun.has(name)),
  }
}

const initiation = ({ name }: IpsecConnection): ViciRequest => ({
  command: 'initiate',
  message: { ike: name, child: childName, timeout: '-1' },
})
