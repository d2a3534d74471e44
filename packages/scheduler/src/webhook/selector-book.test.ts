import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { distributionLike } from '../distributions/distribution.fixture.ts'
import { podLike } from '../pods.fixture.ts'
import { SelectorBook } from './selector-book.ts'

const podIn = (namespace: string) => {
  const pod = podLike({ labels: { app: 'web' } })
  return { ...pod, metadata: { ...pod.metadata, namespace } }
}

describe('a pod that the webhook is asked about', () => {
  it('is meant by policies of its namespace and of the root, of which none means the pods of the root itself', () => {
    const book = new SelectorBook()
    const own = distributionLike([{ policyName: 'leaf' }])
    const everywhere = distributionLike([{ policyName: 'leaf' }], { namespace: undefined })
    const meant = () => ['shop', 'other', 'kube-system', 'kosmos-system'].filter((name) => book.mayMean(podIn(name)))
    book.set(own)
    assert.deepEqual(meant(), ['shop'])
    book.set(everywhere)
    assert.deepEqual(meant(), ['shop', 'other'])
    book.delete(everywhere)
    book.delete(own)
    assert.deepEqual(meant(), [])
  })

  it('is compared with selectors that are read once for each generation of a policy', () => {
    const book = new SelectorBook()
    let reads = 0
    const policy = (generation: number, app: string) => {
      const stored = distributionLike([])
      const selector = {
        policyName: 'leaf',
        get labelSelector() {
          reads++
          return { matchLabels: { app } }
        },
      }
      return {
        ...stored,
        metadata: { ...stored.metadata, generation },
        spec: { ...stored.spec, resourceSelectors: [selector] },
      } as typeof stored
    }
    for (let i = 0; i < 3; i++) book.set(policy(1, 'web'))
    const once = reads
    for (let i = 0; i < 5; i++) assert(book.mayMean(podIn('shop')))
    assert.equal(reads, once)
    book.set(policy(2, 'db'))
    assert(!book.mayMean(podIn('shop')))
  })
})
