import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ConfigMap } from '@kosmos/kube'
import { overwritten, setRightBy, steppedBy } from './set-right.ts'

const copy = { metadata: { name: 'settings', annotations: { note: 'a' } }, data: { colour: 'red' } }
const at = new Date('2026-11-30T11:22:43.000Z')

describe('a copy that is set right', () => {
  it('says after whom and when, and is the same otherwise', () => {
    const { metadata, ...content } = setRightBy(copy, 'flux', at) as ConfigMap
    const { 'kosmos.io/set-right': note, ...annotations } = metadata.annotations ?? {}
    assert.equal(note, '2026-11-30T11:22:43.000Z: made as in the root again after flux had changed it')
    assert.deepEqual({ ...content, metadata: { ...metadata, annotations } }, copy)
  })

  it('says nothing where nobody is written over', () => {
    assert.equal(setRightBy(copy, undefined, at), copy)
    const replace = { kind: 'replace', uid: 'u', resourceVersion: '7' } as const
    assert.equal(overwritten(replace, 'flux'), undefined, 'the root’s change comes anyway')
    assert.equal(overwritten({ kind: 'create' }, 'flux'), undefined)
    assert.equal(overwritten({ ...replace, setsRight: true }, 'flux'), 'flux')
  })

  it('was set right if it was written, and not when somebody was quicker', () => {
    const setRight = { what: 'ConfigMap settings', toldOn: [copy] }
    assert.equal(steppedBy('written', setRight), setRight)
    assert.equal(steppedBy('written'), undefined)
    assert.equal(steppedBy('unchanged', setRight), undefined)
    assert.deepEqual(steppedBy({ afterMs: 500 }, setRight), { afterMs: 500 })
  })
})
