import type { NodeConfigSpec } from '@kosmos/api'
import { tableName } from '../firewall/syntax.ts'
import { createCharon } from '../ipsec/charon.ts'
import type { IpsecImplementation } from '../ipsec/implementation.ts'
import type { Keys } from '../keys/keys.ts'
import { namingPort, refuseSharedPorts } from '../ports/taken.ts'
import type { Shell } from '../shell/shell.ts'
import { followRoaming } from '../wireguard/roaming.ts'
import { followSuccession, isAwaited } from '../wireguard/succession.ts'
import { createTunnels, type Implementation } from '../wireguard/tunnel.ts'
import { desired } from './desired.ts'
import { desiredRoutes } from './desired-routes.ts'
import { diff, diffRoutes } from './diff.ts'
import { afterStep } from './effect.ts'
import { parseWireGuard } from './parse-wireguard.ts'
import { type Observed, readKernel } from './read.ts'
import { type KernelState, keyedBy, type Link, nothing, type WireGuard } from './state.ts'
import type { Step } from './step.ts'
import { writeKernel } from './write.ts'

/** The kernel of one node. */
export interface NodeKernel {
  /**
   * Makes it be as the NodeConfig says, all of it or nothing; throws with what the kernel refused.
   * @param unreachable next hops that do not answer, when it comes to writing
   */
  converge(spec: NodeConfigSpec, unreachable: () => ReadonlySet<string>): Promise<Converged>
  /** Makes the routes of the last NodeConfig be as they should, nothing else, and fast: also while `converge` reads. */
  reroute(unreachable: () => ReadonlySet<string>): Promise<readonly Step[]>
  /** Goes along with peers that have gone over to their next keys, nothing else, and fast. */
  succeed(): Promise<Succession>
}

export interface Converged {
  /** What was changed; empty: nothing. */
  readonly steps: readonly Step[]
  readonly observed: Observed
}

export interface Succession {
  readonly steps: readonly Step[]
  /** Whether there are peers that have not gone over yet. */
  readonly isAwaiting: boolean
}

/** What a converge came to. */
interface Applied {
  readonly spec: NodeConfigSpec
  readonly hasIpv6: boolean
  readonly links: readonly Link[]
  readonly routes: KernelState['routes']
  readonly ipsecs: KernelState['ipsecs']
}

export interface NodeKernelOptions {
  readonly shell: Shell
  readonly stateDir: string
  /** The keys as they are now; they may be others the next time. */
  readonly loadKeys: () => Promise<Keys>
  /** For devices that are not there yet. */
  readonly implementations: { readonly wireGuard: Implementation; readonly ipsec: IpsecImplementation }
}

export function createNodeKernel(options: NodeKernelOptions): NodeKernel {
  const { shell, stateDir, loadKeys, implementations } = options
  const programs = {
    tunnels: createTunnels(shell, stateDir, async () => (await loadKeys()).wireGuard),
    charon: createCharon(shell, stateDir, async () => (await loadKeys()).ipsec),
  }
  const inWordsOfNft = nftWords(shell)
  let lastSet: ReadonlyMap<string, WireGuard> = new Map()
  let last: Applied | undefined
  /** Steps of reroutes since the kernel is being read, which may have been read before them or after. */
  let meanwhile: Step[] | undefined
  /** Whoever writes waits for who does already. */
  let turn: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(write: () => Promise<T>): Promise<T> => {
    const mine = turn.then(write)
    turn = mine.catch(() => {})
    return mine
  }

  return {
    converge: async (spec, unreachable) => {
      const rerouted: Step[] = []
      meanwhile = rerouted
      const observed = await readKernel(shell, stateDir)
      const keys = await loadKeys()
      const { state, hasIpv6, closedChains, handshakes } = observed
      const facts = {
        hasIpv6,
        closedChains,
        publicKey: keys.wireGuard.publicKey,
        wireGuard: inUse(state, ['wireguard', 'tun']) ?? implementations.wireGuard,
        ipsec: {
          publicKey: keys.ipsec.publicKey,
          implementation: inUse(state, ['xfrm', 'libipsec']) ?? implementations.ipsec,
        },
      }
      const nft = await inWordsOfNft(desired(spec, { ...facts, unreachable: new Set() }).nft)
      return await inTurn(async () => {
        meanwhile = undefined
        const has = rerouted.reduce(afterStep, state)
        const wants = { ...desired(spec, { ...facts, unreachable: unreachable() }), nft }
        const steps = diff(has, withSessions(wants, has, spec, handshakes))
        await refuseSharedPorts(shell, steps)
        await orBack(steps, has).catch(async (error: unknown) => {
          throw await namingPort(shell, spec.devices ?? [], error)
        })
        if (wants.ipsecs.size > 0) programs.charon.keepUp([...wants.ipsecs.values()])
        lastSet = wants.wireGuards
        last = { spec, hasIpv6, links: [...wants.links.values()], routes: wants.routes, ipsecs: wants.ipsecs }
        return { steps, observed }
      })
    },
    succeed: async () => {
      const waiting = last?.spec.peers?.filter(({ nextPublicKey }) => nextPublicKey !== undefined) ?? []
      if (!last || waiting.length === 0) return { steps: [], isAwaiting: false }
      const dump = parseWireGuard(await shell.run(['wg', 'show', 'all', 'dump']), new Set(lastSet.keys()))
      const has = { ...nothing, wireGuards: keyedBy(dump.wireGuards, ({ dev }) => dev) }
      const wants = { ...nothing, wireGuards: lastSet }
      const steps = diff(has, withSessions(wants, has, last.spec, dump.handshakes))
      await writeKernel(shell, programs, steps)
      return { steps, isAwaiting: waiting.some((peer) => isAwaited(peer, dump.handshakes)) }
    },
    reroute: (unreachable) =>
      inTurn(async () => {
        if (!last) return []
        const { spec, hasIpv6, links, routes, ipsecs } = last
        const silent = unreachable()
        // Without reading: what others changed meanwhile is repaired because the kernel tells of it.
        const next = desiredRoutes(spec, { hasIpv6, unreachable: silent, links })
        const steps = diffRoutes(routes, next)
        await writeKernel(shell, programs, steps)
        last = { ...last, routes: next }
        meanwhile?.push(...steps)
        if (silent.size > 0 && ipsecs.size > 0) programs.charon.keepUp([...ipsecs.values()])
        return steps
      }),
  }

  /** What is wanted, as far as it depends on who has called from where, and by which key. */
  function withSessions(
    wants: KernelState,
    has: KernelState,
    { peers = [] }: NodeConfigSpec,
    handshakes: Observed['handshakes'],
  ): KernelState {
    const followed = followSuccession(wants, peers, handshakes)
    return followRoaming(followed, has, { handshakes, now: Date.now() / 1000, lastSet })
  }

  async function orBack(steps: readonly Step[], before: KernelState): Promise<void> {
    try {
      await writeKernel(shell, programs, steps)
    } catch (error) {
      const { state } = await readKernel(shell, stateDir)
      await writeKernel(shell, programs, diff(state, before)).catch((second: Error) => {
        throw new Error(`${(error as Error).message}; going back failed as well: ${second.message}`, { cause: error })
      })
      throw error
    }
  }
}

/** A tunnel that runs stays with what runs it. */
function inUse<K extends Link['kind']>({ links }: KernelState, kinds: readonly K[]): K | undefined {
  return [...links.values()].flatMap(({ kind }) => kinds.filter((one) => one === kind))[0]
}

/** nft joins neighbouring addresses to networks when it lists, and may do so again when it reads its own words. */
const mostReadings = 5

/**
 * A table as this version of nft prints it, so that what is wanted and what is there are compared in the same words: it
 * is loaded and listed in a network namespace that ends with the command.
 */
function nftWords(shell: Shell): (table: string) => Promise<string> {
  const script = `nft -f - && nft -s list table inet ${tableName}`
  let last = { table: '', words: '' }
  const settle = async (table: string): Promise<string> => {
    let words = table
    for (let reading = 0; reading < mostReadings; reading++) {
      const next = await shell.run(['unshare', '--net', 'sh', '-c', script], words)
      if (next === words) return words
      words = next
    }
    throw new Error('nft prints the table in other words each time it reads it')
  }
  return async (table) => {
    if (table === '') return ''
    if (table !== last.table) last = { table, words: await settle(table) }
    return last.words
  }
}
