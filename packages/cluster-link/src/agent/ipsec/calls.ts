import { setTimeout as sleep } from 'node:timers/promises'
import { childName, type IpsecConnection } from './connection.ts'
import { askVici, type ViciRequest } from './vici.ts'
import type { ViciMessage } from './vici-message.ts'

/** Pauses between looks at tunnels that are not there, ever more rarely. */
const pausesMs = [300, 400, 500, 1_000, 2_000, 4_000, 8_000, 15_000] as const

/**
 * Sets tunnels up that are not there. strongSwan does so itself after a silence, not after a refusal; and a peer
 * refuses until it has heard of us.
 */
export function createCalls(socket: string) {
  let round = new AbortController()

  const run = async (connections: readonly IpsecConnection[], signal: AbortSignal) => {
    for (const [look, pause] of pausesMs.entries()) {
      const [sas = []] = await askVici(socket, [{ command: 'list-sas', stream: 'list-sa' }])
      const missing = missingTunnels(connections, sas)
      if (missing.length === 0 || signal.aborted) return
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

/** Connections that could have a tunnel, and have none, nor one that is being set up. */
export function missingTunnels(
  connections: readonly IpsecConnection[],
  sas: readonly ViciMessage[],
): readonly IpsecConnection[] {
  const there = new Set(
    sas.flatMap((sa) => Object.entries(sa)).flatMap(([name, value]) => (isUp(value as ViciMessage) ? [name] : [])),
  )
  return connections.filter(({ name, canCall }) => canCall && !there.has(name))
}

function isUp({ state, 'child-sas': children = {} }: ViciMessage): boolean {
  return state === 'CONNECTING' || Object.keys(children).length > 0
}

const initiation = ({ name }: IpsecConnection): ViciRequest => ({
  command: 'initiate',
  message: { ike: name, child: childName, timeout: '-1' },
})
