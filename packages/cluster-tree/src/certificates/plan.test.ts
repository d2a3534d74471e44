import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { KubeObject, PodCertificateRequest } from '@kosmos/kube'
import fc from 'fast-check'
import { leafPod, rootPod } from '../pods/fixture.ts'
import { answerTo, type Credential } from './credential.ts'
import { type CertificateView, planCertificate } from './plan.ts'
import { certificateSecret } from './secret.ts'

const root = rootPod()
const leaf = leafPod(root)
const now = Date.parse('2026-01-01T00:00:00Z')
const rootUid = root.metadata.uid
const issued = { kind: 'issued', rootUid, privateKey: 'KEY\n', chain: 'CHAIN\n', renewAt: now + 600_000 } as const
const asked = { kind: 'asked', rootUid, request: 'req-1', privateKey: 'KEY\n', askedAt: now } as const
const refused = { kind: 'refused', rootUid, message: 'no' } as const
const secretOf = (renewAt: number, copy = leaf): KubeObject => {
  const object = certificateSecret({ root, copy, rootClusterId: 'root-1', id: 'a', issued: { ...issued, renewAt } })
  return { ...object, metadata: { ...object.metadata, uid: 's', resourceVersion: '5' } }
}
const request = (conditions: object[] = [], status: object = {}) =>
  ({
    metadata: { namespace: 'shop', name: 'req-1' },
    spec: { signerName: 'example.com/pods', podName: 'web' },
    status: { ...(conditions.length > 0 && { conditions }), ...status },
  }) as unknown as PodCertificateRequest

const plan = (view: Partial<CertificateView>) =>
  planCertificate({
    root,
    leaf: undefined,
    secret: undefined,
    credential: undefined,
    request: undefined,
    now,
    ...view,
  })
const none = { kind: 'none' }

describe('what to do about a certificate of a pod', () => {
  it('is to ask for it when the pod is bound, and to wait for the signer', () => {
    assert.deepEqual(plan({}), { kind: 'ask' })
    assert.deepEqual(plan({ credential: asked }), { kind: 'none', afterMs: 2_000 })
    assert.deepEqual(plan({ credential: asked, now: now + 500 }), { kind: 'none', afterMs: 1_500 })
    assert.deepEqual(plan({ credential: asked, request: request(), now: now + 5_000 }), {
      kind: 'none',
      afterMs: 595_000,
    })
    assert.deepEqual(plan({ credential: asked, request: request([{ type: 'Issued' }]) }), { kind: 'settle' })
  })

  it('is to ask again when the request has gone, and to say so when a renewal is overdue', () => {
    const later = { credential: asked, now: now + 600_000 }
    assert.deepEqual(plan(later), { kind: 'ask' })
    const overdue = { kind: 'none', afterMs: 600_000, isOverdue: true }
    assert.deepEqual(plan({ ...later, leaf, request: request() }), overdue)
  })

  it('is to ask for another when somebody else wrote into the Secret, which may be any', () => {
    const view = { leaf, secret: secretOf(now + 600_000) }
    assert.deepEqual(plan(view), { kind: 'none', afterMs: 600_000 })
    assert.deepEqual(plan({ ...view, contested: true }), { kind: 'ask' })
    assert.deepEqual(plan({ ...view, contested: true, credential: asked }), { kind: 'none', afterMs: 2_000 })
  })

  it('is to deliver it when the pod is in the leaf, and to keep it until then', () => {
    assert.deepEqual(plan({ credential: issued }), { kind: 'none', afterMs: 600_000 })
    assert.deepEqual(plan({ credential: issued, now: now + 600_000 }), { kind: 'ask' })
    assert.deepEqual(plan({ credential: issued, leaf }), { kind: 'deliver', issued })
    const present = { uid: 's', resourceVersion: '5' }
    assert.deepEqual(plan({ credential: issued, leaf, secret: secretOf(now) }), { kind: 'deliver', issued, present })
  })

  it('is to ask for another when it is due, also while the pod is ending or after a restart', () => {
    const secret = secretOf(now + 60_000)
    assert.deepEqual(plan({ leaf, secret }), { kind: 'none', afterMs: 60_000 })
    assert.deepEqual(plan({ leaf, secret, now: now + 60_000 }), { kind: 'ask' })
    const ending = leafPod(root, { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } })
    assert.deepEqual(plan({ leaf: ending, secret, now: now + 60_000 }), { kind: 'ask' })
    assert.deepEqual(plan({ leaf: ending }), none)
  })

  it('is to wait for the watch after it was delivered, and no longer than that', () => {
    const renewal = new Date(now + 60_000).toISOString()
    const delivered: Credential = { kind: 'delivered', rootUid, renewal, until: now + 5_000 }
    assert.deepEqual(plan({ credential: delivered, leaf, secret: secretOf(now) }), { kind: 'none', afterMs: 5_000 })
    assert.deepEqual(plan({ credential: delivered, leaf, secret: secretOf(now + 60_000) }), { kind: 'forget' })
    assert.deepEqual(plan({ credential: delivered, leaf, now: now + 5_000 }), { kind: 'ask' })
  })

  it('is to ask for another for a copy that was made again, whose key nobody has', () => {
    const before = leafPod(root, { metadata: { uid: 'before' } })
    assert.deepEqual(plan({ leaf, secret: secretOf(now + 60_000, before) }), { kind: 'ask' })
  })

  it('is nothing once the signer has refused, for this pod', () => {
    assert.deepEqual(plan({ credential: refused, leaf, secret: secretOf(now) }), none)
    const other = rootPod({ metadata: { uid: 'another' } })
    assert.deepEqual(plan({ root: other, credential: refused }), { kind: 'forget' })
  })

  it('is nothing for a pod that has gone or ended, or beside a copy of another one', () => {
    assert.deepEqual(plan({ root: undefined }), none)
    assert.deepEqual(plan({ root: undefined, credential: issued }), { kind: 'forget' })
    assert.deepEqual(plan({ root: rootPod({ status: { phase: 'Failed' } }) }), none)
    assert.deepEqual(plan({ leaf: leafPod(root, { status: { phase: 'Succeeded' } }) }), none)
    assert.deepEqual(plan({ leaf: leafPod(rootPod({ metadata: { uid: 'another' } })) }), none)
  })

  it('never asks while an answer may come, nor delivers to anything but the copy', () => {
    const credential = fc.constantFrom<Credential | undefined>(undefined, asked, issued, refused)
    const another = leafPod(rootPod({ metadata: { uid: 'another' } }))
    fc.assert(
      fc.property(
        fc.record({
          root: fc.constantFrom(undefined, root),
          leaf: fc.constantFrom(undefined, leaf, another),
          secret: fc.constantFrom(undefined, secretOf(now), secretOf(now + 60_000)),
          credential,
          request: fc.constantFrom(undefined, request(), request([{ type: 'Denied' }])),
          now: fc.integer({ min: now, max: now + 1_000_000 }),
        }),
        (view) => {
          const { kind } = planCertificate(view)
          if (kind === 'ask' && view.credential?.kind === 'asked') assert.equal(view.request, undefined)
          if (kind === 'deliver') assert.equal(view.leaf, leaf)
          if (kind === 'settle') assert.ok(view.request?.status?.conditions)
        },
      ),
    )
  })
})

describe('what a signer has answered', () => {
  const pem = '-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----\n'

  it('is the chain without what stands between, to be renewed when the signer says', () => {
    const status = { certificateChain: `words\n${pem}more\n${pem}`, beginRefreshAt: '2026-01-01T00:10:00Z' }
    const answer = answerTo(asked, request([{ type: 'Issued' }], status), 1_000)
    assert.deepEqual(answer, { ...issued, chain: `${pem}${pem}`, renewAt: now + 601_000 })
  })

  it('is its words when it refuses', () => {
    const conditions = [{ type: 'Denied', reason: 'UnsupportedKeyType', message: 'ED25519, please' }]
    const message =
      'PodCertificateRequest req-1 of signer example.com/pods was denied: UnsupportedKeyType: ED25519, please'
    assert.deepEqual(answerTo(asked, request(conditions), 0), { kind: 'refused', rootUid, message })
    assert.equal(answerTo(asked, request(), 0), undefined)
  })
})
