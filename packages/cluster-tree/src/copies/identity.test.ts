import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { copyMetadata, versionOnly } from './identity.ts'
import { planCopy } from './plan.ts'
import { nameInRoot } from './private-name.ts'

const original = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: {
    name: 'key',
    namespace: 'shop',
    uid: 'u-1',
    resourceVersion: '7',
    labels: { app: 'web' },
    annotations: {
      'kubectl.kubernetes.io/last-applied-configuration': '{"stringData":{"password":"precious"}}',
      note: 'a',
    },
  },
}

describe('what is held of an object that may be copied', () => {
  it('decides the same about its copy as the whole object', () => {
    const leaf = { metadata: { ...copyMetadata(original, 'root-1'), uid: 'l-1', resourceVersion: '2' } }
    for (const resourceVersion of ['7', '8']) {
      const root = { ...original, metadata: { ...original.metadata, resourceVersion } }
      const about = { needed: true, leaf }
      assert.deepEqual(planCopy({ ...about, root: versionOnly(root) }), planCopy({ ...about, root }))
    }
  })

  it('is nothing of its content, which kubectl quotes in an annotation, nor anything else', () => {
    const { labels: _, annotations: __, ...version } = original.metadata
    assert.deepEqual(versionOnly(original), { metadata: version })
    assert.deepEqual(versionOnly({ metadata: { name: 'key' } }), { metadata: { name: 'key' } })
    assert.deepEqual(versionOnly({}), { metadata: {} })
  })
})

describe('the metadata of a copy', () => {
  it('is that of the root’s object, with whose it is, and without what kubectl quotes', () => {
    const { labels, annotations, ...ref } = copyMetadata(original, 'root-1')
    assert.deepEqual(ref, { name: 'key', namespace: 'shop' })
    assert.deepEqual(labels, { app: 'web', 'kosmos.io/root-cluster': 'root-1' })
    assert.deepEqual(annotations, {
      note: 'a',
      'kosmos.io/global': 'true',
      'kosmos.io/root-uid': 'u-1',
      'kosmos.io/root-resource-version': '7',
    })
  })

  it('leads back to the root’s object by its own name, also when that is the copy of another', () => {
    const annotations = { 'kosmos.io/root-name': 'of-another-root' }
    const copied = { ...original, metadata: { ...original.metadata, annotations } }
    assert.equal(nameInRoot({ metadata: copyMetadata(copied, 'root-1') }), 'key')
    assert.equal(nameInRoot({ metadata: copyMetadata(copied, 'root-1', 'private') }), 'key')
  })
})
