import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ApiError, ClusterUnreachable, type KubeObject, type Outcome, type RefusalReason } from '@kosmos/kube'
import { insist } from './insist.ts'

const stored: Outcome<KubeObject> = { ok: true, object: {} }
const refusal = (reason: RefusalReason): Outcome<KubeObject> => ({ ok: false, reason, status: { message: reason } })
const failure = (code: number) => new ApiError('root', { method: 'POST', path: '/pods' }, code, {})

/** Sends a write that is answered so, one answer an attempt. Resolves with the number of attempts. */
async function attempts(...answers: readonly (Outcome<KubeObject> | Error)[]): Promise<number> {
  let sent = 0
  const write = async () => {
    const answer = answers[sent++]
    if (answer === undefined) throw new Error('it was sent once more than it was to be')
    if (answer instanceof Error) throw answer
    return answer
  }
  await insist(write, { pauseMs: 1, mostAttempts: 4 })
  return sent
}

describe('a write of a benchmark', () => {
  it('is sent again while the API server has no time for it', async () => {
    for (const code of [429, 500, 503, 504]) assert.equal(await attempts(failure(code), failure(code), stored), 3)
    assert.equal(await attempts(new ClusterUnreachable('root', 'https://root', new Error('reset')), stored), 2)
  })

  it('is done when an attempt without an answer was', async () => {
    assert.equal(await attempts(failure(504), refusal('AlreadyExists')), 2)
    assert.equal(await attempts(failure(504), refusal('NotFound')), 2)
  })

  it('fails with what another attempt would not mend', async () => {
    await assert.rejects(attempts(refusal('AlreadyExists')), /AlreadyExists/)
    await assert.rejects(attempts(failure(504), refusal('Invalid')), /Invalid/)
    await assert.rejects(attempts(failure(401)), /401/)
  })

  it('fails with the last answer when the API server never has time', async () => {
    await assert.rejects(attempts(failure(503), failure(503), failure(503), failure(504)), /504/)
  })
})
