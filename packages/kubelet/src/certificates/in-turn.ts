import PQueue from 'p-queue'
import type { RotationOptions } from './rotation.ts'

/** Requests that wait for the signer at the same time. */
const AT_ONCE = 64

/**
 * Certificates for many nodes, some at a time: at a start all nodes of a process want one at once, and a signer that has
 * hundreds to sign would look like none to the last of them.
 */
export function inTurn(obtain: RotationOptions['obtain']): RotationOptions['obtain'] {
  const turns = new PQueue({ concurrency: AT_ONCE })
  return (names, signal) => turns.add(() => obtain(names, signal), { signal })
}
