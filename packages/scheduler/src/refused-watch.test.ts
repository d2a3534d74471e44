import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ApiError } from '@kosmos/kube'
import { tellIfRefused } from './refused-watch.ts'

describe('a kind that a root does not let us follow', () => {
  it('is told once for each cause, and when that has ended', () => {
    const told: string[] = []
    const tell = tellIfRefused((_, event, fields) => told.push(`${event} ${fields?.resource}`), {
      group: 'kosmos.io',
      plural: 'policyindexes',
    })
    const broken = (code: number) => {
      const request = { method: 'WATCH', path: '/apis/kosmos.io/v1alpha1/policyindexes' }
      tell({ kind: 'broken', error: new ApiError('root', request, code, {}) })
    }
    for (const code of [503, 404, 404, 500, 404, 403, 403]) broken(code)
    tell({ kind: 'broken', error: new Error('cut off') })
    for (const _ of [1, 2]) tell({ kind: 'following' })
    broken(404)
    const refused = 'watch.refused policyindexes.kosmos.io'
    assert.deepEqual(told, [refused, refused, 'watch.allowed policyindexes.kosmos.io', refused])
  })
})
