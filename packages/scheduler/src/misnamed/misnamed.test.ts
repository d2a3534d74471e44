import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { podLike } from '../pods.fixture.ts'
import { misnamedEvents } from './events.ts'
import { misnamed } from './misnamed.ts'

const page = readFileSync(new URL('../../../../docs/reference/events.md', import.meta.url), 'utf8')
const naming = (name: string) => podLike({ labels: { 'workload-policy/kosmos.io': name } })

describe('a pod that names a policy', () => {
  it('is told of one only if it is not there', () => {
    const isThere = (name: string) => name === 'web'
    assert.equal(misnamed(naming('wbe'), isThere), 'wbe')
    assert.equal(misnamed(naming('web'), isThere), undefined)
    assert.equal(misnamed(naming(''), isThere), undefined)
    assert.equal(misnamed(podLike(), isThere), undefined)
  })

  it('reads which, where, and what to do', () => {
    const { reason, note } = misnamedEvents.policyNotFound('wbe', 'shop')
    assert.match(note, /WorkloadPolicy wbe, which namespace shop does not have.*Correct it/)
    assert(page.includes(`\`${reason}\``))
  })
})
