import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { rootOfWords } from './names.ts'

describe('the root of an unfinished command line', () => {
  it('is the one that its words name', () => {
    assert.deepEqual(rootOfWords(['unjoin', '--kubeconfig', 'r', '--context=c', '']), { file: 'r', context: 'c' })
  })

  it('is not the leaf that join names', () => {
    assert.deepEqual(rootOfWords(['join', '--kubeconfig', 'leaf', '--root-kubeconfig', 'r']), {
      file: 'r',
      context: undefined,
    })
  })

  it('is the usual one when nothing is named', () => {
    assert.deepEqual(rootOfWords(['check', '']), { file: undefined, context: undefined })
  })
})
