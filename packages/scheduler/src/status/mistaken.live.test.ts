import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type KubeObject, nodes } from '@kosmos/kube'
import { type AdmittingRoot, mustCreate, startAdmittingRoot } from '../admitting-root.fixture.ts'
import { policyLike } from '../pods.fixture.ts'
import { workloadPolicies } from '../policies/resource.ts'
import { Scheduler } from '../scheduler.ts'

const shop = 'shop'

describe('a policy that nothing comes of', () => {
  let root: AdmittingRoot
  let running: Promise<void>
  const stop = new AbortController()
  const create = async (name: string, value: string) => {
    const { metadata: _, ...policy } = policyLike({ allocationPolicy: [{ name: value, weight: 1 }] })
    await mustCreate(root.client, workloadPolicies, { ...policy, metadata: { namespace: shop, name } } as KubeObject)
  }
  const says = async (name: string, pattern: RegExp) => {
    let said = ''
    for (let i = 0; i < 600 && !pattern.test(said); i++) {
      await sleep(100)
      const [condition] = (await root.client.get(workloadPolicies, { namespace: shop, name }))?.status?.conditions ?? []
      said = `${condition?.reason}: ${condition?.message}`
    }
    assert.match(said, pattern)
  }

  before(async () => {
    root = await startAdmittingRoot('mistaken')
    const scheduler = new Scheduler({ root: root.client, takeBackAfterMs: 0, record: () => {}, log: () => {} })
    running = scheduler.run(stop.signal)
    await scheduler.synced
  })
  after(async () => {
    stop.abort()
    await running
    await root?.stop()
  })

  it('says that it places no pod, and which of its values no node has: until one has it, and again when the last one has gone', async () => {
    const isAbsent = /^NoPods: .*: no node has kosmos\.io\/cluster=laef1$/
    const isThere = /^NoPods: [^:]*$/
    const label = (value: string) => ({ metadata: { labels: { 'kosmos.io/cluster': value } } })
    const { client } = root
    await create('a', 'laef1')
    await says('a', isAbsent)
    const named = (name: string) => ({ metadata: { name, ...label('laef1').metadata } }) as KubeObject
    await mustCreate(client, nodes, named('kosmos-laef1'))
    await says('a', isThere)
    await client.patch(nodes, { name: 'kosmos-laef1' }, label('leaf1'), { type: 'merge' })
    await says('a', isAbsent)
    await mustCreate(client, nodes, named('kosmos-laef1-b'))
    await says('a', isThere)
    await client.delete(nodes, { name: 'kosmos-laef1-b' })
    await says('a', isAbsent)
    await client.patch(nodes, { name: 'kosmos-laef1' }, label('laef1'), { type: 'merge' })
    await says('a', isThere)
  })

  it('names the policy that has the pods of its workload, until that is for another or gone', async () => {
    const taken = /^NoPods: .*: WorkloadPolicy a names the same workload and comes first$/
    const names = async (name: string) => {
      const spec = { workload: { name } }
      await root.client.patch(workloadPolicies, { namespace: shop, name: 'a' }, { spec }, { type: 'merge' })
    }
    await create('b', 'laef1')
    await says('b', taken)
    await names('db')
    await says('b', /^NoPods: [^:]*$/)
    await names('web')
    await says('b', taken)
    await root.client.delete(workloadPolicies, { namespace: shop, name: 'a' })
    await says('b', /^NoPods: [^:]*$/)
  })
})
