import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { selfSignedCertificate } from '@kosmos/kube/certificates'
import { bundleOf, type Credentials, nextStep, readSecret, writeSecret } from './credentials.ts'

const day = 24 * 3600_000
const hosts = ['scheduler-webhook.kosmos-system.svc']
const knownAfterMs = 60_000
const make = async (lifetimeMs = 90 * day, names: readonly string[] = hosts) => {
  const { certificate, key } = await selfSignedCertificate({ subject: [{ CN: ['x'] }], hosts: names, lifetimeMs })
  return { cert: certificate, key }
}

describe('the certificates of the webhook', () => {
  it('are made when there is none that could be shown: none, nonsense, expired, or of another name', async () => {
    const of = async (stored: Credentials | undefined) =>
      nextStep({ stored, hosts, now: Date.now(), trusted: '', trustedForMs: 0, knownAfterMs })
    assert.equal(await of(undefined), 'make')
    assert.equal(await of({ current: { cert: 'nonsense', key: 'nonsense' } }), 'make')
    assert.equal(await of({ current: await make(-1000) }), 'make')
    assert.equal(await of({ current: await make(90 * day, ['10.0.0.1']) }), 'make')
    assert.equal(await of({ current: await make() }), undefined)
  })

  it('change only when API servers have trusted the next one for a while, and trust the one before still', async () => {
    const [current, next] = [await make(), await make()]
    const now = Date.now()
    const step = (stored: Credentials, now: number, trusted = '', trustedForMs = 120_000) =>
      nextStep({ stored, hosts, now, trusted, trustedForMs, knownAfterMs })
    assert.equal(step({ current }, now + 60 * day), undefined)
    assert.equal(step({ current }, now + 70 * day), 'prepare')
    const both = { current, next }
    assert.equal(step(both, now + 120_000), undefined)
    // However long ago it was made: perhaps nobody led since, and told API servers of it.
    assert.equal(step(both, now + 120_000, bundleOf(both), 30_000), undefined)
    assert.equal(step(both, now + 120_000, bundleOf(both)), 'promote')
    const promoted = { current: next, former: current.cert }
    assert.equal(step(promoted, now + 120_000, bundleOf(both)), undefined)
    assert(bundleOf(promoted).includes(current.cert.trim()))
  })

  it('are read from the Secret as they were written', async () => {
    const all = { current: await make(), next: await make(), former: (await make()).cert }
    assert.deepEqual(readSecret(writeSecret(all)), all)
    assert.deepEqual(readSecret(writeSecret({ current: all.current })), { current: all.current })
    assert.equal(readSecret(undefined), undefined)
    assert.equal(readSecret({ 'tls.crt': '' }), undefined)
  })
})
