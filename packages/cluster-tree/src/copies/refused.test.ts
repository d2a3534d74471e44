import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ApiError, type KubeObject } from '@kosmos/kube'
import { CopyRefusals } from './refusals.ts'
import { answerOf, CopyFailed, CopyRefused, isRefusal } from './refused.ts'

const request = { method: 'POST', path: '/api/v1/namespaces/shop/secrets' }
const errorOf = (code: number, message?: string, reason = 'InternalError') =>
  new ApiError('east', request, code, { reason, ...(message && { message }) })
const failed = (error: Error, isSecret: boolean) =>
  answerOf(Promise.reject(error), isSecret).then(
    () => assert.fail(),
    (thrown: Error) => thrown,
  )

describe('a refusal of a leaf', () => {
  it('is told without what is in the Secrets that it may quote, and not at all where these are not known', () => {
    const refusal = { ok: false, reason: 'Invalid', status: { message: 'not precious, nor rotten' } } as const
    const secret = { data: { a: Buffer.from('precious').toString('base64') } } as KubeObject
    assert.equal(CopyRefused.of(refusal).message, 'not precious, nor rotten')
    assert.equal(CopyRefused.of(refusal, [secret]).message, 'not [left out], nor rotten')
    assert.match(CopyRefused.of(refusal, 'unknown').message, /^Invalid \(its words are left out/)
  })
})

describe('an error that a leaf answers', () => {
  it('is told in its words, but for those about a Secret, which it may quote', async () => {
    const error = errorOf(500, 'transform failed: precious')
    const open = await failed(error, false)
    assert.ok(open instanceof CopyFailed)
    assert.match(open.message, /error 500 InternalError: transform failed: precious$/)
    const closed = await failed(error, true)
    assert.match(closed.message, /error 500 InternalError \(its words are left out/)
    assert.doesNotMatch(closed.message, /precious/)
  })

  it('is told without words where it has none, and without the error of before, which a log might print', async () => {
    assert.equal((await failed(errorOf(502, undefined, ''), false)).message, 'its API server answers with error 502')
    assert.equal((await failed(errorOf(500, 'precious'), true)).cause, undefined)
  })

  it('is something else than no answer, which goes on as it is', async () => {
    const error = new Error('no answer')
    assert.equal(await failed(error, true), error)
  })
})

describe('a refusal of a Secret that could not be read', () => {
  it('is told by its reason alone', () => {
    const refusal = { ok: false, reason: 'Forbidden', status: { message: 'not precious' } } as const
    assert.match(CopyRefused.of(refusal, 'unknown').message, /^Forbidden \(its words are left out/)
  })
})

describe('a refusal of anything else', () => {
  it('is told in its words, or by its reason where it has none', () => {
    const refusal = (status: { message?: string }) => CopyRefused.of({ ok: false, reason: 'Invalid', status }).message
    assert.deepEqual([refusal({ message: 'too long' }), refusal({})], ['too long', 'Invalid'])
  })
})

describe('an answer', () => {
  it('is a refusal where only the leaf’s administrator can mend it, and not where another change has come between', () => {
    const refused = (['Forbidden', 'Invalid', 'Conflict', 'NotFound', 'AlreadyExists'] as const).filter((reason) =>
      isRefusal({ ok: false, reason, status: {} }),
    )
    assert.deepEqual(refused, ['Forbidden', 'Invalid'])
    assert.equal(isRefusal({ ok: true, object: {} }), false)
  })
})

describe('what a leaf does not take', () => {
  const told: string[] = []
  let now = 0
  const refusals = new CopyRefusals<string>(() => now)
  const attempt = async (error?: Error) => {
    const step = () => (error ? Promise.reject(error) : Promise.resolve())
    await refusals.around('key', step, (why, isNews) => told.push(`${why}${isNews ? '' : ' again'}`)).catch(() => {})
    return told.splice(0)
  }
  const failure = CopyFailed.of(errorOf(503), false)
  const said = 'its API server answers with error 503 InternalError'

  it('is told at once when it is refused, as news once', async () => {
    const refused = new CopyRefused('no')
    assert.deepEqual(await attempt(refused), ['no'])
    assert.deepEqual(await attempt(refused), ['no again'])
    assert.equal(refusals.get('key'), 'no')
    assert.deepEqual(await attempt(), [])
    assert.equal(refusals.get('key'), undefined)
    assert.deepEqual(await attempt(refused), ['no'])
    await attempt()
  })

  it('is told when it has failed for five seconds, since errors pass', async () => {
    assert.deepEqual(await attempt(failure), [])
    now += 4_999
    assert.deepEqual(await attempt(failure), [])
    assert.equal(refusals.get('key'), undefined)
    now += 1
    assert.deepEqual(await attempt(failure), [said])
    assert.equal(refusals.get('key'), said)
  })

  it('is told after five seconds again once it has been taken meanwhile', async () => {
    await attempt()
    assert.equal(refusals.get('key'), undefined)
    now += 60_000
    assert.deepEqual(await attempt(failure), [])
    await attempt()
  })

  it('is not told of other errors, which say nothing of the leaf', async () => {
    now += 60_000
    assert.deepEqual(await attempt(new Error('root away')), [])
    assert.equal(refusals.get('key'), undefined)
  })
})
