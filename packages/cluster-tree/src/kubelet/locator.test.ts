import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Connection, Pod } from '@kosmos/kube'
import { locatorFor } from './locator.ts'

describe('a pod that the kubelet API of a virtual node is asked for', () => {
  const connection = {} as Connection
  const bound = (nodeName: string) => ({ metadata: { name: 'web', namespace: 'shop' }, spec: { nodeName } }) as Pod
  const locate = async (pod: Pod | undefined) =>
    await locatorFor({ get: (key) => (key === 'shop/web' ? pod : undefined) }, 'kosmos-east', connection).locate({
      namespace: 'shop',
      pod: 'web',
      container: '',
    } as Parameters<ReturnType<typeof locatorFor>['locate']>[0])

  it('is in the leaf under the same name when it is bound to the node', async () => {
    assert.deepEqual(await locate(bound('kosmos-east')), { kind: 'found', connection, namespace: 'shop', name: 'web' })
  })

  it('is not there when it is bound to another node, or to none', async () => {
    assert.equal((await locate(bound('kosmos-west'))).kind, 'absent')
    assert.equal((await locate(undefined)).kind, 'absent')
  })
})
