import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ApiError, type RefusalReason } from '@kosmos/kube'
import {
  claimBlocked,
  copyRefused,
  failedIn,
  isNamespaceStarting,
  namespaceRefused,
  Refusals,
  waitingFor,
} from './refusal.ts'

const waiting = { reason: 'RefusedByLeaf', message: 'exceeded quota' }
const refusal = (reason: RefusalReason, message?: string) =>
  ({ ok: false, reason, status: { ...(message && { message }) } }) as const

describe('a copy that the leaf would not take', () => {
  it('is tried again after pauses that double up to a minute', () => {
    const refusals = new Refusals()
    let now = 0
    const pauses = Array.from({ length: 9 }, () => {
      refusals.add('n/p', 'uid', waiting, now)
      const pause = refusals.retry('n/p', now)?.afterMs ?? 0
      assert.deepEqual(refusals.of('n/p', 'uid', now + pause - 1), waiting)
      assert.equal(refusals.of('n/p', 'uid', now + pause), undefined)
      now += pause
      return pause / 1000
    })
    assert.deepEqual(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60])
  })

  it('does not hold up another pod of the same name', () => {
    const refusals = new Refusals()
    for (let i = 0; i < 5; i++) refusals.add('n/p', 'first', waiting, 0)
    assert.equal(refusals.of('n/p', 'second', 0), undefined)
    refusals.add('n/p', 'second', waiting, 0)
    assert.deepEqual(refusals.retry('n/p', 0), { afterMs: 1_000 })
  })

  it('is not looked at over and over when it is time and something else is in the way, and never when it was taken', () => {
    const refusals = new Refusals()
    refusals.add('n/p', 'uid', waiting, 0)
    assert.deepEqual(refusals.retry('n/p', 999), { afterMs: 1 })
    assert.equal(refusals.of('n/p', 'uid', 1_000), undefined)
    assert.equal(refusals.retry('n/p', 1_000), undefined)
    refusals.forget('n/p')
    assert.equal(refusals.of('n/p', 'uid', 0), undefined)
    assert.equal(refusals.retry('n/p', 0), undefined)
  })
})

describe('what a refusal says to the user', () => {
  it('is what the leaf said, and which leaf and object it is about', () => {
    assert.match(
      waitingFor(refusal('Forbidden', 'exceeded quota: small'), 'east').message,
      /east.*exceeded quota: small/,
    )
    assert.match(namespaceRefused(refusal('Forbidden', 'no'), 'shop', 'east').message, /east.*namespace shop.*no/)
    const reference = { kind: 'Secret' as const, name: 'key', optional: false, usedBy: ['env'] }
    assert.match(copyRefused(reference, 'east', 'no').message, /east.*Secret key.*no/)
  })

  it('is at least the reason, when the leaf said nothing', () => {
    assert.match(waitingFor(refusal('Forbidden'), 'east').message, /Forbidden/)
    assert.match(namespaceRefused(refusal('Invalid'), 'shop', 'east').message, /Invalid/)
  })

  it('is what is the matter with a claim, and which it is', () => {
    const said = 'the words of the leaf'
    const claims = {
      missing: ['ClaimNotFound', /Claim data does not exist/],
      unbound: ['ClaimNotBound', /Claim data has no volume yet/],
      elsewhere: ['VolumeNotInLeaf', /Claim data: the words of the leaf$/],
      lost: ['VolumeLostInLeaf', /Claim data had a volume in cluster east/],
      refused: ['RefusedByLeaf', /east does not accept PersistentVolumeClaim data: the words of the leaf$/],
    } as const
    for (const [state, [reason, message]] of Object.entries(claims)) {
      const waiting = claimBlocked('data', state as keyof typeof claims, 'east', said)
      assert.equal(waiting.reason, reason)
      assert.match(waiting.message, message)
    }
  })

  it('is the error of an API server that goes on answering with one, in its words', () => {
    const error = new ApiError('east', { method: 'POST', path: '/pods' }, 500, { message: 'etcd is away' })
    assert.match(failedIn('east', error).message, /^cluster east does not accept the pod: .*500.*etcd is away/)
  })

  it('is nothing while a new namespace has no ServiceAccount yet', () => {
    const starting =
      'pods "p" is forbidden: error looking up service account shop/default: serviceaccount "default" not found'
    assert(isNamespaceStarting(refusal('Forbidden', starting)))
    assert(!isNamespaceStarting(refusal('Forbidden', 'exceeded quota')))
    assert(!isNamespaceStarting(refusal('Invalid', starting)))
    assert(
      !isNamespaceStarting(refusal('Forbidden', starting.replaceAll('default', 'builder'))),
      'one that is asked for',
    )
  })
})
