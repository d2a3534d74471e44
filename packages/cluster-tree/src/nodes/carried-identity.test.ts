import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { nodeCarriesAnnotation } from '@kosmos/api'
import type { Node } from '@kosmos/kube'
import fc from 'fast-check'
import { type Identity, identityPatch, sameTaint, stampOf, withTaint } from './carried-identity.ts'

type Taint = NonNullable<NonNullable<Node['spec']>['taints']>[number]

const labels = (prefix: string) =>
  fc.dictionary(fc.constantFrom(`${prefix}/a`, `${prefix}/b`, `${prefix}/c`), fc.constantFrom('1', '2'))
const taints = (prefix: string): fc.Arbitrary<Taint[]> =>
  fc.uniqueArray(
    fc.record({
      key: fc.constantFrom(`${prefix}/a`, `${prefix}/b`),
      value: fc.constantFrom('1', '2'),
      effect: fc.constantFrom('NoSchedule', 'NoExecute'),
    }),
    { comparator: sameTaint },
  )
const identity: fc.Arbitrary<Identity> = fc.tuple(labels('ours'), taints('ours')).map(([labels, taints]) => ({
  metadata: { labels, annotations: { [nodeCarriesAnnotation]: stampOf(labels, taints) } },
  spec: { taints },
}))

const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value))

/** What an API server makes of a merge patch of these fields. */
function merged(node: Node, patch: object | undefined): Node {
  const { metadata = {}, spec = {} } = (patch ?? {}) as { metadata?: Record<string, object>; spec?: object }
  const map = (before: object = {}, after: object = {}) =>
    Object.fromEntries(Object.entries({ ...before, ...after }).filter(([, value]) => value !== null))
  return plain({
    ...node,
    metadata: {
      ...node.metadata,
      labels: map(node.metadata.labels, metadata.labels),
      annotations: map(node.metadata.annotations, metadata.annotations),
    },
    spec: { ...node.spec, ...spec },
  }) as Node
}

const byKey = (list: readonly Taint[] = []) => list.map((taint) => JSON.stringify(taint)).sort()

describe('what is ours on a virtual node', () => {
  it('follows what it should be, and leaves what others added', () => {
    fc.assert(
      fc.property(
        labels('theirs'),
        taints('theirs'),
        fc.array(identity, { minLength: 1 }),
        (theirs, tainted, lives) => {
          let node = plain({
            metadata: { name: 'kosmos-east', uid: 'u', resourceVersion: '1', labels: theirs, annotations: {} },
            spec: { taints: tainted },
          }) as Node
          for (const wanted of lives) {
            node = merged(node, identityPatch(node, wanted))
            assert.deepEqual(node.metadata.labels, plain({ ...theirs, ...wanted.metadata.labels }))
            assert.deepEqual(byKey(node.spec?.taints), byKey([...tainted, ...(wanted.spec.taints ?? [])]))
            assert.equal(identityPatch(node, wanted), undefined, 'nothing is written twice')
          }
        },
      ),
    )
  })

  it('can get a taint more, which goes again', () => {
    const more = { key: 'ours/retiring', value: 'true', effect: 'NoSchedule' }
    fc.assert(
      fc.property(identity, (wanted) => {
        const bare = { metadata: { name: 'n', uid: 'u', resourceVersion: '1' } } as Node
        const node = merged(bare, identityPatch(bare, wanted))
        const closed = merged(node, identityPatch(node, withTaint(node, more)))
        assert.deepEqual(byKey(closed.spec?.taints), byKey([...(wanted.spec.taints ?? []), more]))
        assert.equal(identityPatch(closed, withTaint(closed, more)), undefined)
        const opened = merged(closed, identityPatch(closed, wanted))
        assert.deepEqual([opened.metadata, byKey(opened.spec?.taints)], [node.metadata, byKey(node.spec?.taints)])
      }),
    )
  })

  it('is written to this very node only, and taints only to the list of them that was read', () => {
    const node = { metadata: { name: 'n', uid: 'u', resourceVersion: '7' }, spec: {} } as Node
    const taint = { key: 'ours/a', effect: 'NoSchedule' }
    const patch = (taints: Taint[]) =>
      identityPatch(node, { metadata: { labels: { a: 'b' }, annotations: {} }, spec: { taints } })
    const metadata = { uid: 'u', labels: { a: 'b' }, annotations: {} }
    assert.deepEqual(patch([]), { metadata })
    assert.deepEqual(patch([taint]), { metadata: { ...metadata, resourceVersion: '7' }, spec: { taints: [taint] } })
  })

  it('has one stamp, in whatever order it comes', () => {
    const [a, b] = ['a', 'b'].map((key) => ({ key, effect: 'NoSchedule' }))
    assert(a && b)
    assert.equal(stampOf({ x: '1', y: '2' }, [a, b]), stampOf({ y: '2', x: '1' }, [b, a]))
  })

  it('does not become ours by a taint more', () => {
    const theirs = { key: 'theirs/a', effect: 'NoSchedule' }
    const node = {
      metadata: { name: 'n', uid: 'u', resourceVersion: '7', labels: { theirs: '1' }, annotations: { theirs: '2' } },
      spec: { taints: [theirs] },
    } as unknown as Node
    const more = { key: 'ours/a', effect: 'NoSchedule' }
    const { metadata, spec } = withTaint(node, more)
    assert.deepEqual([metadata.labels, spec.taints], [{}, [more]])
    assert.deepEqual(Object.keys(metadata.annotations), [nodeCarriesAnnotation])
  })

  it('is not taken from a stamp that somebody has spoilt', () => {
    for (const stamp of [
      ...['', 'nonsense', '[]', '{"labels":"a"}', '{"labels":[1],"taints":null}'],
      ...['{"labels":["a"],"taints":[1]}', '{"labels":["a",1]}', '{"labels":[1],"taints":["c:NoSchedule"]}'],
    ]) {
      const annotations = { [nodeCarriesAnnotation]: stamp }
      const node = {
        metadata: { name: 'n', uid: 'u', resourceVersion: '1', labels: { a: 'b' }, annotations },
        spec: { taints: [{ key: 'c', effect: 'NoSchedule' }] },
      } as Node
      const patch = identityPatch(node, { metadata: { labels: {}, annotations: {} }, spec: {} })
      assert.equal(patch, undefined, stamp)
    }
  })
})
