import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { ApiError, type ReflectorState } from '@kosmos/kube'
import { WatchRefusals } from './refusals.ts'

const following: ReflectorState = { kind: 'following' }
const broken = (error: Error): ReflectorState => ({ kind: 'broken', error })
const refusal = (code: number) => new ApiError('leaf', { method: 'GET', path: '/' }, code, { message: `says ${code}` })

describe('the watches that a leaf refuses', () => {
  let refusals: WatchRefusals
  beforeEach(() => {
    refusals = new WatchRefusals()
  })

  for (const code of [401, 403]) {
    it(`are told apart by whether pods depend on them (${code})`, () => {
      refusals.note('services', broken(refusal(code)))
      assert.equal(refusals.forbidden, undefined)
      assert.match(refusals.withheld ?? '', new RegExp(`says ${code}`))
      assert.equal(refusals.refuses('services'), true)
      refusals.note('secrets', broken(refusal(code)))
      assert.match(refusals.forbidden ?? '', new RegExp(`says ${code}`))
    })
  }

  it('are not those that are broken for another reason', () => {
    refusals.note('pods', broken(new Error('socket hang up')))
    refusals.note('nodes', broken(refusal(500)))
    refusals.note('events', broken(refusal(410)))
    assert.equal(refusals.forbidden, undefined)
    assert.equal(refusals.withheld, undefined)
    assert.equal(refusals.refuses('pods'), false)
  })

  it('are forgotten when they go on, which is told once', () => {
    refusals.note('pods', broken(refusal(403)))
    assert.equal(refusals.note('pods', following), true)
    assert.equal(refusals.forbidden, undefined)
    assert.equal(refusals.note('pods', following), false)
  })
})
