import type { Client, Pod } from '@kosmos/kube'
import { type Hold, holdOf } from '../take-back/hold.ts'
import { readClaims } from './claims.ts'
import { type Reach, reachOf } from './reach.ts'

/** The first claim that keeps a pod where it is; undefined: none does. */
export async function readHold(root: Client, pod: Pod): Promise<Hold | undefined> {
  for (const claim of await readClaims(root, pod)) {
    const hold = holdOf(claim)
    if (hold) return hold
  }
  return undefined
}

/** What the volumes of a pod say about its node; undefined: nothing. */
export async function readReach(root: Client, pod: Pod): Promise<Reach | undefined> {
  return reachOf(await readClaims(root, pod))
}
