import { randomUUID } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { ClusterRecord } from '../control-plane/control-plane.ts'
import { openAuthority } from '../pki/authority.ts'
import { kubeconfig } from '../pki/kubeconfig.ts'
import type { CannedStatus } from './canned.ts'
import { type AnswerOptions, Gateway, type SeenRequest } from './gateway.ts'
import { type Relay, startRelay } from './relay.ts'
import type { Verb } from './verb.ts'

/** A proxy in front of an API server that can fail in every way a network and a server can. */
export interface FaultProxy extends Omit<Relay, 'port'> {
  /** URL of the proxy. */
  readonly server: string
  /** Path of an administrator's kubeconfig that goes through the proxy (by token: client certificates cannot pass). */
  readonly kubeconfig: string
  /** Answers requests itself, with a Status object, from now on until {@link FaultProxy.restore}. */
  answer(status: CannedStatus, options?: AnswerOptions): void
  /** Ends all running watches with the ERROR event "Expired" (410), as after a compaction. */
  expireWatches(): void
  /** How many requests it has seen, by verb. */
  stats(): Record<Verb, number>
  /** The requests themselves, oldest first. */
  requests(): readonly SeenRequest[]
  /** Forgets the requests seen so far. */
  resetStats(): void
}

export interface FaultProxyInput {
  readonly target: Pick<ClusterRecord, 'name' | 'server' | 'ca' | 'adminToken' | 'dir' | 'loopback'>
}

/** Starts a fault proxy in this process; it ends with {@link FaultProxy.close}. */
export async function startFaultProxy({ target }: FaultProxyInput): Promise<FaultProxy> {
  const authority = await openAuthority({
    certificate: target.ca,
    key: readFileSync(path.join(target.dir, 'pki', 'ca.key'), 'utf8'),
  })
  const credential = await authority.issue({ commonName: 'fault-proxy', hosts: [target.loopback, 'localhost'] })
  // An abstract socket: it has no file that would have to be removed.
  const socketPath = `\0kosmos-fault-proxy-${randomUUID()}`
  const gateway = new Gateway({ upstream: target.server, ca: target.ca, credential, socketPath })
  const relay = await startRelay(target.loopback, socketPath)
  const server = `https://${target.loopback}:${relay.port}`
  const file = path.join(target.dir, `fault-proxy-${relay.port}.kubeconfig`)
  writeFileSync(file, kubeconfig({ name: target.name, server, ca: target.ca, user: { token: target.adminToken } }), {
    mode: 0o600,
  })
  return {
    ...relay,
    server,
    kubeconfig: file,
    answer: (status, options = {}) => gateway.answer(status, options),
    expireWatches: () => gateway.expireWatches(),
    stats: () => countByVerb(gateway.seen),
    requests: () => [...gateway.seen],
    resetStats: () => {
      gateway.seen.length = 0
    },
    restore: async () => {
      gateway.clearAnswers()
      await relay.restore()
    },
    close: async () => {
      await relay.close()
      gateway.close()
      rmSync(file, { force: true })
    },
  }
}

function countByVerb(seen: readonly SeenRequest[]): Record<Verb, number> {
  const counts: Record<Verb, number> = {
    GET: 0,
    LIST: 0,
    WATCH: 0,
    WATCHLIST: 0,
    CREATE: 0,
    UPDATE: 0,
    PATCH: 0,
    DELETE: 0,
    DELETECOLLECTION: 0,
    CONNECT: 0,
    OTHER: 0,
  }
  for (const { verb } of seen) counts[verb]++
  return counts
}
