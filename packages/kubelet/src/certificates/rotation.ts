import { setTimeout as sleep } from 'node:timers/promises'
import { ApiError, backoffMs, ClusterUnreachable } from '@kosmos/kube'
import { renewalTime, type ServingCertificate } from '@kosmos/kube/certificates'
import type { Log } from '../log.ts'
import type { CertificateSource } from '../server.ts'
import { NoSigner } from './errors.ts'
import type { ServingNames } from './names.ts'
import { selfSignedNodeCertificate } from './self-signed.ts'

export interface RotationOptions {
  readonly names: ServingNames
  /** A certificate for the names that hold now; {@link obtainServingCertificate} with its client. */
  readonly obtain: (names: ServingNames, signal: AbortSignal) => Promise<ServingCertificate>
  readonly log: Log
  /** Called when the node has to vouch for itself because the root signs nothing, with what to do about it. */
  readonly onSelfSigned?: (message: string) => void
  /** Between attempts while the root does not sign. */
  readonly signerRetryMs?: number
  /** Between looks at the clock at most: timers hear neither that it was set nor that the machine slept. Default: an hour. */
  readonly lookMs?: number
}

export interface RotatingCertificate extends CertificateSource {
  /** The node is reached under other addresses now: asks for a certificate for them at once. */
  updateHosts(hosts: readonly string[]): void
  stop(): void
}

/** Until a certificate is replaced that is due already when it is issued, because our clock and the root's differ. */
const overdueMs = 60_000

/**
 * Keeps a serving certificate current. Resolves with the first one: waits while the root does not answer, throws what
 * only a person can mend (`CertificateRefused`), and falls back to a self-signed certificate where nobody signs.
 * Renewals that fail are tried again while the old certificate is shown.
 */
export async function rotateCertificate(options: RotationOptions, signal: AbortSignal): Promise<RotatingCertificate> {
  const { obtain, log, onSelfSigned, signerRetryMs = 300_000, lookMs = 3600_000 } = options
  const stopped = new AbortController()
  const over = AbortSignal.any([signal, stopped.signal])
  const listeners = new Set<() => void>()
  let names = options.names
  let wake = new AbortController()
  const node = names.nodeName

  /** The next certificate and when to replace it. */
  const next = async (): Promise<{ certificate: ServingCertificate; until: Date }> => {
    try {
      const certificate = await obtain(names, over)
      const until = renewalTime(certificate, Math.random())
      return { certificate, until: until.getTime() > Date.now() ? until : new Date(Date.now() + overdueMs) }
    } catch (error) {
      if (!(error instanceof NoSigner)) throw error
      log({ level: 'warn', event: 'certificate-self-signed', node, error: error.message })
      onSelfSigned?.(error.message)
      return { certificate: await selfSignedNodeCertificate(names), until: new Date(Date.now() + signerRetryMs) }
    }
  }
  const pause = async (ms: number, waking?: AbortSignal) => {
    const signals = waking ? [over, waking] : [over]
    await sleep(ms, undefined, { signal: AbortSignal.any(signals), ref: false }).catch(() => {})
  }

  let current: Awaited<ReturnType<typeof next>> | undefined
  for (let failures = 1; current === undefined; failures++) {
    try {
      current = await next()
    } catch (error) {
      const passing = error instanceof ClusterUnreachable || error instanceof ApiError
      if (!passing || over.aborted) throw error
      log({ level: 'warn', event: 'certificate-delayed', node, error: error.message })
      await pause(backoffMs(failures, { minMs: 500 }))
    }
  }
  let shown = current

  const renew = async () => {
    for (let failures = 0; !over.aborted; ) {
      const ms =
        failures > 0 ? backoffMs(failures, { minMs: 1_000, maxMs: 300_000 }) : shown.until.getTime() - Date.now()
      await pause(Math.min(Math.max(ms, 0), lookMs), wake.signal)
      if (over.aborted) return
      const woken = wake.signal.aborted
      if (!woken && failures === 0 && Date.now() < shown.until.getTime()) continue
      wake = new AbortController()
      try {
        shown = await next()
        failures = 0
        log({ level: 'info', event: 'certificate-renewed', node, until: shown.certificate.notAfter.toISOString() })
        for (const listener of listeners) listener()
      } catch (error) {
        failures++
        if (over.aborted) return
        log({ level: 'error', event: 'certificate-renewal-failed', node, error: String(error) })
      }
    }
  }
  void renew()

  return {
    current: () => shown.certificate,
    onRenewal(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    updateHosts(hosts) {
      names = { ...names, hosts }
      wake.abort()
    },
    stop: () => stopped.abort(),
  }
}
