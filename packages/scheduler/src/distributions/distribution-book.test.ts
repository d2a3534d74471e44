import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type PodParts, podLike } from '../pods.fixture.ts'
import type { StoredDistribution } from './compiled-distribution.ts'
import { distributionLike } from './distribution.fixture.ts'
import { DistributionBook } from './distribution-book.ts'

const bookOf = (...policies: StoredDistribution[]) => {
  const book = new DistributionBook()
  for (const policy of policies) book.set(policy)
  return book
}
const termOf = (parts: PodParts, ...policies: StoredDistribution[]) => bookOf(...policies).of(podLike(parts))?.term
const app = (value: string) => ({ matchLabels: { app: value } })

describe('what a pod goes by', () => {
  it('is the selector that names it most directly: name, then prefix, then labels, then all', () => {
    const policy = distributionLike([
      { policyName: 'mix' },
      { policyName: 'leaf', labelSelector: app('web') },
      { policyName: 'host', namePrefix: 'web-' },
      { policyName: 'mix', name: 'web-0' },
    ])
    assert.equal(termOf({ name: 'web-0', labels: { app: 'web' } }, policy), 'mix')
    assert.equal(termOf({ name: 'web-1', labels: { app: 'web' } }, policy), 'host')
    assert.equal(termOf({ name: 'a', labels: { app: 'web' } }, policy), 'leaf')
    assert.equal(termOf({ name: 'a' }, policy), 'mix')
  })

  it('is the longer prefix, and among equals the last of the list', () => {
    const policy = distributionLike([
      { policyName: 'host', namePrefix: 'web-api-' },
      { policyName: 'leaf', namePrefix: 'web-' },
      { policyName: 'mix', namePrefix: 'web-' },
    ])
    assert.equal(termOf({ name: 'web-api-1' }, policy), 'host')
    assert.equal(termOf({ name: 'web-1' }, policy), 'mix')
  })

  it('is a criterion alone: labels beside a name do not count', () => {
    const policy = distributionLike([{ policyName: 'leaf', name: 'web-0', labelSelector: app('db') }])
    assert.equal(termOf({ name: 'web-0', labels: { app: 'web' } }, policy), 'leaf')
    assert.equal(termOf({ name: 'db-0', labels: { app: 'db' } }, policy), undefined)
  })

  it('needs all of the labels and every expression', () => {
    const labelSelector = {
      matchLabels: { app: 'web', tier: 'front' },
      matchExpressions: [{ key: 'canary', operator: 'DoesNotExist' as const }],
    }
    const policy = distributionLike([{ policyName: 'leaf', labelSelector }])
    assert.equal(termOf({ labels: { app: 'web', tier: 'front' } }, policy), 'leaf')
    assert.equal(termOf({ labels: { app: 'web' } }, policy), undefined)
    assert.equal(termOf({ labels: { app: 'web', tier: 'front', canary: '' } }, policy), undefined)
  })

  it('is what its namespace says before what is said for all, however directly that names it', () => {
    const clusterWide = distributionLike([{ policyName: 'host', name: 'web-0' }], { namespace: undefined })
    const own = distributionLike([{ policyName: 'leaf' }])
    assert.equal(termOf({ name: 'web-0' }, clusterWide, own), 'leaf')
    assert.equal(termOf({ name: 'web-0' }, clusterWide), 'host')
  })

  it('is nothing for pods of DaemonSets, and for those of the root itself nothing that is said for all', () => {
    const clusterWide = distributionLike([{ policyName: 'leaf' }], { namespace: undefined })
    assert.equal(termOf({ owner: { kind: 'DaemonSet', name: 'agent' } }, clusterWide), undefined)
    const { metadata, ...rest } = podLike()
    for (const namespace of ['kube-system', 'kosmos-system']) {
      assert.equal(bookOf(clusterWide).of({ ...rest, metadata: { ...metadata, namespace } }), undefined)
    }
  })

  it('is of the older of two policies, then of the first by name, in whatever order they came', () => {
    const selector = fc.oneof(
      fc.record({ policyName: fc.constantFrom('host', 'leaf', 'mix'), namePrefix: fc.constantFrom('', 'w', 'web-') }),
      fc.record({ policyName: fc.constantFrom('host', 'leaf'), labelSelector: fc.constantFrom(app('web'), {}) }),
    )
    const policies = fc.uniqueArray(
      fc.record({
        name: fc.constantFrom('a', 'b', 'c'),
        createdAt: fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'),
        selectors: fc.array(selector, { minLength: 1, maxLength: 3 }),
      }),
      { selector: ({ name }) => name, maxLength: 3 },
    )
    fc.assert(
      fc.property(policies, fc.nat(), (all, turn) => {
        const stored = all.map(({ selectors, ...parts }) => distributionLike(selectors, parts))
        const turned = stored.map((_, i) => stored[(i + turn) % stored.length] ?? assert.fail())
        const pod = podLike({ labels: { app: 'web' } })
        assert.deepEqual(bookOf(...turned).of(pod), bookOf(...stored).of(pod))
      }),
    )
    const [older, newer] = ['leaf', 'host'].map((policyName, i) =>
      distributionLike([{ policyName }], { name: `${1 - i}`, createdAt: `2026-01-0${i + 1}T00:00:00Z` }),
    )
    assert(older && newer)
    assert.equal(termOf({}, newer, older), 'leaf')
  })
})
