import { isDeepStrictEqual } from 'node:util'
import type { NodeConfigSpec, UnderlayStatus } from '@kosmos/api'
import { secureCIDR } from '../../model/names.ts'
import { canonicalAddress, contains, familyOf } from '../net/cidr.ts'
import { parseAutodetection } from '../underlay/method.ts'
import { readUnderlay } from '../underlay/read.ts'
import { type Enqueue, learn, type NodeState } from './state.ts'

/** Finds out where tunnels start from, and has the kernel looked at when that is elsewhere or nowhere. */
export async function reconcileUnderlay(state: NodeState, enqueue: Enqueue): Promise<undefined> {
  const { underlay, problem } = await findUnderlay(state)
  if (isDeepStrictEqual(underlay, state.known.underlay) && problem === state.underlayProblem) return undefined
  state.underlayProblem = problem
  const { underlay: _, ...others } = state.known
  state.known = others
  learn(state, underlay ? { underlay } : {})
  enqueue('kernel')
  return undefined
}

/** What was asked for may be nonsense that the API server cannot tell, such as half of a regular expression. */
async function findUnderlay({ shell, autodetection, wanted, known }: NodeState): Promise<{
  readonly underlay?: UnderlayStatus
  readonly problem?: string
}> {
  const text = wanted?.spec.autodetectionMethod
  try {
    const method = text === undefined ? autodetection : parseAutodetection(text)
    const underlay = await readUnderlay(shell, method, startsOf(known.underlay, wanted?.spec))
    return underlay ? { underlay } : { problem: text ?? autodetection.method }
  } catch (error) {
    if (error instanceof TypeError || error instanceof SyntaxError) return { problem: error.message }
    throw error
  }
}

/** Addresses that tunnels start from: as the NodeConfig says, which an agent before us may have found, else as was found. */
function startsOf(found: UnderlayStatus | undefined, spec: NodeConfigSpec | undefined): Set<string> {
  const { devices = [], ipsecPeers = [] } = spec ?? {}
  const planned = [...devices, ...ipsecPeers].flatMap(({ local }) => local ?? [])
  const starts = [4, 6].flatMap((family) => {
    const isOfFamily = (address: string | undefined) => address !== undefined && familyOf(address) === family
    const own = planned.filter((address) => isOfFamily(address) && !contains(secureCIDR, address))
    return own.length > 0 ? own : [found?.ip, found?.ip6].filter(isOfFamily)
  })
  return new Set(starts.flatMap((address) => (address === undefined ? [] : canonicalAddress(address))))
}
