import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { rootUidAnnotation } from '@kosmos/api'
import type { Connection, Pod } from '@kosmos/kube'
import { nodePods } from './node-pods.ts'

describe('a pod that the kubelet API of a virtual node is asked for', () => {
  const connection = { name: 'east' } as Connection
  const metadata = { name: 'web', namespace: 'shop', uid: 'root-uid' }
  const bound = (nodeName: string) => ({ metadata, spec: { nodeName } }) as Pod
  const copyOf = (rootUid: string) =>
    ({
      metadata: { ...metadata, annotations: { [rootUidAnnotation]: rootUid } },
      spec: { nodeName: 'worker' },
    }) as unknown as Pod
  const only = (pod: Pod | undefined) => ({
    get: (key: string) => (key === 'shop/web' ? pod : undefined),
    list: () => (pod ? [pod] : []),
  })
  const locate = async (root: Pod | undefined, leaf: Pod | undefined, uid?: string) =>
    await nodePods({ nodeName: 'kosmos-east', rootPods: only(root), leafPods: only(leaf), connection }).locate({
      namespace: 'shop',
      pod: 'web',
      ...(uid && { uid }),
    })

  it('is in the leaf under the same name when it is bound to the node', async () => {
    const found = { kind: 'found', connection, namespace: 'shop', name: 'web', nodeName: 'worker' }
    assert.deepEqual(await locate(bound('kosmos-east'), copyOf('root-uid')), found)
    assert.deepEqual(await locate(bound('kosmos-east'), copyOf('root-uid'), 'root-uid'), found)
  })

  it('is not there when it is bound to another node, or to none', async () => {
    assert.equal((await locate(bound('kosmos-west'), copyOf('root-uid'))).kind, 'absent')
    assert.equal((await locate(undefined, copyOf('root-uid'))).kind, 'absent')
  })

  it('is never a foreign pod, or an earlier one, of the same name', async () => {
    assert.equal((await locate(bound('kosmos-east'), undefined)).kind, 'absent')
    assert.equal((await locate(bound('kosmos-east'), copyOf('earlier-uid'))).kind, 'absent')
    assert.equal((await locate(bound('kosmos-east'), copyOf('root-uid'), 'earlier-uid')).kind, 'absent')
  })
})
