import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { securityLabels, securityPatch } from './security.ts'

const labels = fc.dictionary(
  fc.constantFrom('pod-security.kubernetes.io/enforce', 'pod-security.kubernetes.io/warn', 'team', 'kosmos.io/x'),
  fc.constantFrom('privileged', 'baseline', 'restricted'),
)
const namespace = (labels: Record<string, string>) => ({ metadata: { name: 'shop', labels } })

describe('what a namespace in a leaf admits', () => {
  it('is what that of the root admits, after one change; labels of others are left alone', () => {
    fc.assert(
      fc.property(labels, labels, (copy, original) => {
        const patched: Record<string, string> = { ...copy }
        for (const [key, value] of Object.entries(securityPatch(namespace(copy), namespace(original)) ?? {})) {
          assert.match(key, /^pod-security/)
          if (value === null) delete patched[key]
          else patched[key] = value
        }
        assert.deepEqual(securityLabels(namespace(patched)), securityLabels(namespace(original)))
        assert.equal(securityPatch(namespace(patched), namespace(original)), undefined)
      }),
    )
  })
})
