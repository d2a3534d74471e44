import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { pods } from '@kosmos/kube'
import { postgresqlImageName } from '@kosmos/testbed'
import { pod } from '../platform/manifests.ts'
import { eventually } from '../platform/platform.ts'
import { applyIn, type CompatibilityPlatform, startFor } from './platform.ts'
import { manifestsOf } from './software.ts'
import { webhookByNodePort } from './webhook.ts'

const isRoot = process.getuid?.() === 0
const namespace = 'default'

/** Upstream's docs/src/samples/cluster-example.yaml, with the image that the node has. */
const database = (imageName: string, more: object = {}) => ({
  apiVersion: 'postgresql.cnpg.io/v1',
  kind: 'Cluster',
  metadata: { name: 'shop', namespace },
  spec: { instances: 2, imageName, storage: { size: '1Gi' }, ...more },
})

describe('CloudNativePG, whose operator and databases run in a leaf', {
  skip: isRoot ? false : 'real nodes need root',
}, () => {
  let platform: CompatibilityPlatform
  let image: string
  const sql = async (instance: string, statement: string) =>
    (await platform.must('exec', instance, '-c', 'postgres', '--', 'psql', '-tA', 'app', '-c', statement)).trim()
  const healthy = async () => {
    await platform.must('wait', 'clusters.postgresql.cnpg.io/shop', '--for=condition=Ready', '--timeout=240s')
    await platform.must(
      'wait',
      'clusters.postgresql.cnpg.io/shop',
      '--for=jsonpath={.status.readyInstances}=2',
      '--timeout=240s',
    )
  }
  const primary = () =>
    platform.must('get', 'clusters.postgresql.cnpg.io/shop', '-o', 'jsonpath={.status.currentPrimary}')

  before(async () => {
    platform = await startFor('cloudnative-pg')
    image = await postgresqlImageName()
    const [leaf] = platform.testbed.leaves
    assert(leaf)
    const { stdout } = await platform.kubectlIn(leaf, [
      'get',
      'nodes',
      '-o',
      'jsonpath={.items[0].status.addresses[0].address}',
    ])
    const webhook = webhookByNodePort({
      service: { namespace: 'cnpg-system', name: 'cnpg-webhook-service' },
      selector: { 'app.kubernetes.io/name': 'cloudnative-pg' },
      targetPort: 9443,
      address: stdout,
    })
    const manifests = await manifestsOf('cloudnative-pg')
    await platform.install([...manifests.filter(({ kind }) => kind !== 'Service'), ...webhook.inRoot])
    const operator = ['deployment/cnpg-controller-manager', '-n', 'cnpg-system']
    await platform.must('rollout', 'status', ...operator, '--timeout=180s')
    await applyIn(platform.kubectlIn, leaf, webhook.inLeaf)
  })
  after(() => platform?.down())

  it('leads by a Lease in the root, which its pod holds', async () => {
    const names = await platform.must('get', 'pods', '-n', 'cnpg-system', '-o', 'jsonpath={.items[*].metadata.name}')
    const lease = ['get', 'lease', 'db9c8771.cnpg.io', '-n', 'cnpg-system', '-o', 'jsonpath={.spec.holderIdentity}']
    const holder = await eventually('somebody leads', async () => (await platform.kubectl(lease)).stdout)
    assert.equal(holder.split('_')[0], names)
  })

  it('answers the webhooks of the root at a port of the leaf’s node', async () => {
    const wrong = JSON.stringify(database(image, { minSyncReplicas: 5 }))
    const stderr = await eventually('the port is open', async () => {
      const { code, stderr } = await platform.kubectl(['apply', '--dry-run=server', '-f', '-'], wrong)
      assert.notEqual(code, 0)
      return !/failed calling webhook/.test(stderr) && stderr
    })
    assert.match(stderr, /minSyncReplicas cannot be greater than maxSyncReplicas/)
  })

  it('makes a primary and a replica, with their data in the leaf', async () => {
    await platform.install([database(image)])
    await healthy()
    await sql(await primary(), 'create table orders (id int); insert into orders values (42)')
    const replica = (await primary()) === 'shop-1' ? 'shop-2' : 'shop-1'
    await eventually('the replica has the row', async () => (await sql(replica, 'select id from orders')) === '42')
    for (const name of ['shop-1', 'shop-2']) {
      const { spec } = (await platform.root.get(pods, { namespace, name })) ?? {}
      assert.equal(spec?.nodeName, 'kosmos-leaf1')
    }
  })

  it('is used by an application with its Service and the Secret that it made', async () => {
    const uri = { name: 'URI', valueFrom: { secretKeyRef: { name: 'shop-app', key: 'uri' } } }
    const container = {
      image,
      env: [uri],
      command: ['sh', '-c', 'psql "$URI" -tAc "select current_user" && sleep 3600'],
    }
    await platform.apply(pod('application', { container }))
    await eventually('it is logged in', async () => {
      return (await platform.kubectl(['logs', 'application'])).stdout.trim() === 'app'
    })
  })

  it('fails over when the primary is deleted, and loses nothing', async () => {
    const before = await primary()
    await platform.must('delete', 'pod', before, '--grace-period=1')
    await eventually('another is primary', async () => {
      const now = await primary()
      return now !== before && now !== ''
    })
    await healthy()
    assert.equal(await sql(await primary(), 'select id from orders'), '42')
    await sql(await primary(), 'insert into orders values (43)')
    await eventually('the application finds the new primary', async () => {
      const asked = ['exec', 'application', '--', 'sh', '-c', 'psql "$URI" -tAc "select pg_is_in_recovery()"']
      return (await platform.kubectl(asked)).stdout.trim() === 'f'
    })
    await eventually('the old primary follows', async () => (await sql(before, 'select count(*) from orders')) === '2')
  })
})
