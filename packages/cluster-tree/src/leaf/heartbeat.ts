import { setTimeout as sleep } from 'node:timers/promises'
import { ApiError, type Client } from '@kosmos/kube'

/** What the last heartbeat of a leaf found. */
export type Beat =
  | { readonly kind: 'ready' }
  /** The API server answers, but not to us: 401 or 403. */
  | { readonly kind: 'refused'; readonly code: number; readonly message: string }
  /** The API server answers that it is not ready (it starts, or has lost its etcd), or answers all but that. */
  | { readonly kind: 'notReady'; readonly message: string }
  | { readonly kind: 'unreachable'; readonly message: string }

export interface HeartbeatOptions {
  readonly client: Client
  readonly onBeat: (beat: Beat) => void | Promise<void>
  /** As often as a kubelet renews its Lease. */
  readonly intervalMs?: number
  /** What it is given to say whether it is ready; at half of it, whether it answers anything. */
  readonly timeoutMs?: number
}

/**
 * Asks the leaf's API server every ten seconds whether it is ready. This is what the virtual node's Lease stands for, so
 * it is the one request that is made although nothing changed.
 */
export async function runHeartbeat(options: HeartbeatOptions, signal: AbortSignal): Promise<void> {
  const { client, onBeat, intervalMs = 10_000, timeoutMs = 5_000 } = options
  let beat: Beat | undefined
  while (!signal.aborted) {
    const isOpen = client.connection.breaker.retryInMs() > 0
    // While nothing is sent there is nothing new to say: the cause that was found stays.
    if (!isOpen || beat?.kind !== 'unreachable') beat = await probe(client, timeoutMs, signal)
    if (signal.aborted) return
    await onBeat(beat)
    const pauseMs = client.connection.breaker.retryInMs() || intervalMs
    await sleep(Math.min(pauseMs, intervalMs), undefined, { signal }).catch(() => {})
  }
}

/**
 * Upstream looks for its store twice, as `etcd` and as `etcd-readiness`, two seconds each where there is none: once is enough to
 * know. A server that has no such check takes no notice.
 */
const READY = '/readyz?exclude=etcd-readiness'
/** Answered from memory, for whoever may ask at all. */
const ALIVE = '/version'

async function probe(client: Client, timeoutMs: number, signal: AbortSignal): Promise<Beat> {
  const told = new AbortController()
  let isAlive = false
  const asked = AbortSignal.any([signal, told.signal])
  void answersLater(client, timeoutMs / 2, asked).then((answers) => {
    isAlive = answers
  })
  try {
    await client.raw(READY, { timeoutMs, signal })
    return { kind: 'ready' }
  } catch (error) {
    const { message } = error as Error
    if (!(error instanceof ApiError)) return { kind: isAlive ? 'notReady' : 'unreachable', message }
    if (error.code === 401 || error.code === 403) return { kind: 'refused', code: error.code, message }
    return { kind: 'notReady', message }
  } finally {
    told.abort()
  }
}

/** Whether a server answers anything at all, asked when it has kept us waiting for so long. */
async function answersLater(client: Client, afterMs: number, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(afterMs, undefined, { signal })
    await client.raw(ALIVE, { signal })
    return true
  } catch (error) {
    return error instanceof ApiError
  }
}
