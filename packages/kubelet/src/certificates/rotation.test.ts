import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ClusterUnreachable } from '@kosmos/kube'
import { renewalTime, type ServingCertificate } from '@kosmos/kube/certificates'
import fc from 'fast-check'
import type { KubeletEvent } from '../log.ts'
import { CertificateRefused, NoSigner } from './errors.ts'
import { rotateCertificate } from './rotation.ts'

describe('the time of renewal', () => {
  it('is between 70 and 90 % of any lifetime', () => {
    fc.assert(
      fc.property(
        fc.date({ noInvalidDate: true }),
        fc.integer({ min: 1, max: 1e10 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (notBefore, ms, random) => {
          const notAfter = new Date(Math.min(notBefore.getTime() + ms, 8.64e15))
          const lifetime = notAfter.getTime() - notBefore.getTime()
          const at = renewalTime({ notBefore, notAfter }, random).getTime() - notBefore.getTime()
          assert.ok(at >= Math.floor(lifetime * 0.7) - 1 && at <= Math.ceil(lifetime * 0.9) + 1)
        },
      ),
    )
  })
})

describe('a node’s serving certificate', () => {
  let over: AbortController
  let events: KubeletEvent[]
  beforeEach(() => {
    over = new AbortController()
    events = []
  })
  afterEach(() => over.abort())

  const names = { nodeName: 'vn1', hosts: ['10.0.0.1'] }
  /** Short, but no process is ever so late that such a certificate is due before it is looked at, which would be a minute. */
  const soon = 1_000
  const lasting = (name: string, ms: number): ServingCertificate => ({
    certificate: name,
    key: '',
    notBefore: new Date(),
    notAfter: new Date(Date.now() + ms),
  })
  const start = (obtain: Parameters<typeof rotateCertificate>[0]['obtain'], onSelfSigned?: (message: string) => void) =>
    rotateCertificate(
      {
        names,
        obtain,
        log: (event) => events.push(event),
        signerRetryMs: 10,
        lookMs: 10,
        ...(onSelfSigned && { onSelfSigned }),
      },
      over.signal,
    )
  const renewed = (source: { onRenewal(listener: () => void): () => void }) =>
    new Promise<void>((resolve) => source.onRenewal(resolve))

  it('is replaced before it expires', async () => {
    let count = 0
    const source = await start(async () => lasting(`certificate ${++count}`, count === 1 ? soon : 3600_000))
    assert.equal(source.current().certificate, 'certificate 1')
    await renewed(source)
    assert.equal(source.current().certificate, 'certificate 2')
  })

  it('is waited for while the root does not answer', async () => {
    let count = 0
    const source = await start(async () => {
      if (++count === 1) throw new ClusterUnreachable('root', 'https://root', new Error('refused'))
      return lasting('late', 3600_000)
    })
    assert.equal(source.current().certificate, 'late')
    assert.equal(events[0]?.event, 'certificate-delayed')
  })

  it('is not made up when the root refuses it', async () => {
    await assert.rejects(
      start(async () => {
        throw new CertificateRefused('no right to approve')
      }),
      CertificateRefused,
    )
  })

  it('is the node’s own word, with a warning, only while the root signs nothing', async () => {
    let signs = false
    const warnings: string[] = []
    const source = await start(
      async () => {
        if (!signs) throw new NoSigner('no signer')
        return lasting('signed', 3600_000)
      },
      (message) => warnings.push(message),
    )
    assert.match(source.current().certificate, /BEGIN CERTIFICATE/)
    assert.deepEqual(warnings, ['no signer'])
    signs = true
    while (source.current().certificate !== 'signed') await renewed(source)
  })

  it('stays in use when its renewal fails, which is tried again', async () => {
    let count = 0
    const source = await start(async () => {
      if (++count === 2) throw new CertificateRefused('right taken away')
      return lasting(`certificate ${count}`, count === 1 ? soon : 3600_000)
    })
    await renewed(source)
    assert.equal(source.current().certificate, 'certificate 3')
    assert.ok(events.some(({ event, level }) => event === 'certificate-renewal-failed' && level === 'error'))
  })

  it('is asked for anew as soon as the node has other addresses', async () => {
    const asked: (readonly string[])[] = []
    const source = await start(async ({ hosts }) => {
      asked.push(hosts)
      return lasting(hosts.join(), 3600_000)
    })
    source.updateHosts(['10.0.0.2'])
    await renewed(source)
    assert.deepEqual(asked, [['10.0.0.1'], ['10.0.0.2']])
    assert.equal(source.current().certificate, '10.0.0.2')
  })

  it('is replaced soon when the clock was set, or the machine slept, beyond its time', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
    const day = 24 * 3600_000
    let count = 0
    const source = await start(async () => lasting(`certificate ${++count}`, 100 * day))
    t.mock.timers.setTime(Date.now() + 95 * day)
    await renewed(source)
    assert.equal(source.current().certificate, 'certificate 2')
  })

  it('that is due as soon as it is issued, since the clocks differ, is not replaced on and on', async () => {
    let count = 0
    await start(async () => lasting(`certificate ${++count}`, -3600_000))
    for (let turn = 0; turn < 20; turn++) await sleep(1)
    assert.equal(count, 1)
  })
})
