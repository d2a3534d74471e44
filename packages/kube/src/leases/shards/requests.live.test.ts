import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Client } from '../../client/client.ts'
import { unwrap } from '../../client/outcome.ts'
import { Connection } from '../../connection/connection.ts'
import { loadKubeConfig } from '../../connection/kubeconfig.ts'
import { createTransport } from '../../connection/transport.ts'
import { liveCluster } from '../../live.fixture.ts'
import { leases, resource, serviceAccounts } from '../../objects/resources.ts'
import type { KubeObject, Lease } from '../../objects/types.ts'
import { kubeconfig } from '../../testing/index.ts'
import { checkedTiming } from '../timing.ts'
import { Member } from './member.ts'
import { leaseNames } from './names.ts'
import { evictMember, releaseShard, removeShard } from './requests.ts'

const bindings = resource('rbac.authorization.k8s.io/v1', 'ClusterRoleBinding', 'clusterrolebindings', 'Cluster')
const [namespace, group] = ['default', 'shards']
const names = leaseNames(group)

describe('leases of shards', () => {
  const cluster = liveCluster()
  const leaseOf = async (client: Client, name: string, holderIdentity: string) =>
    unwrap(await client.create<Lease>(leases, { metadata: { namespace, name }, spec: { holderIdentity } } as object))
  /** Whoever may see everything and change nothing. */
  const viewer = async (admin: Client) => {
    const ref = { namespace, name: 'viewer' }
    const kind = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' }
    const subjects = [{ kind: 'ServiceAccount', ...ref }]
    await admin.create(serviceAccounts, { metadata: ref })
    unwrap(await admin.create(bindings, { metadata: { name: 'viewer' }, roleRef: kind, subjects } as object))
    const granted = await admin.createFor<{ status: { token: string } }>(
      serviceAccounts,
      ref,
      'token',
      {} as KubeObject,
    )
    const { server, ca } = cluster.controlPlane
    const authority = { 'certificate-authority-data': Buffer.from(ca).toString('base64') }
    const text = kubeconfig({ server, cluster: authority, user: { token: unwrap(granted)?.status.token } })
    return new Client(new Connection('viewed', await createTransport(loadKubeConfig({ text }))), 'kosmos-test')
  }

  it('that may not be written say so, instead of staying as they are for ever', async () => {
    const admin = await cluster.client()
    const lease = await leaseOf(admin, names.shard('a'), '')
    const where = { client: await viewer(admin), namespace, group, names, timeoutMs: 10_000 }
    try {
      await assert.rejects(evictMember(where, lease), /Lease default\/shards-shard-a cannot be .*forbidden/)
      await assert.rejects(releaseShard(where, lease), /forbidden/)
      await assert.rejects(removeShard(where, lease, 'me'), /forbidden/)
    } finally {
      await where.client.connection.close()
    }
  })

  it('are no failure when somebody was quicker', async () => {
    const client = await cluster.client()
    const where = { client, namespace, group, names, timeoutMs: 10_000 }
    const lease = await leaseOf(client, names.shard('b'), '')
    const now = { metadata: { labels: { changed: 'meanwhile' } } }
    await client.patch(leases, { namespace, name: names.shard('b') }, now, { type: 'merge' })
    await releaseShard(where, lease)
    await removeShard(where, lease, 'me')
    assert.ok(await client.get(leases, { namespace, name: names.shard('b') }))
  })

  it('are held no more as soon as it is known that the life of their member is over', async () => {
    const client = await cluster.client()
    const options = { client, namespace, group, names, identity: 'me', timing: checkedTiming({}) }
    const member = await Member.join(options, AbortSignal.timeout(10_000))
    assert.ok(member.holds)
    await client.delete(leases, { namespace, name: names.member(member.name) })
    assert.equal(await member.renew(), false)
    assert.equal(member.holds, false)
  })
})
