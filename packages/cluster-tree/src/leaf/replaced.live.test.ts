import assert from 'node:assert/strict'
import { readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { systemNamespace } from '@kosmos/api'
import {
  clusters,
  customResourceDefinitions,
  type KubeObject,
  namespaces,
  pods,
  secrets,
  serviceAccounts,
  unwrap,
} from '@kosmos/kube'
import { load } from 'js-yaml'
import { eventually, type LiveCluster, startCluster } from '../live.fixture.ts'
import { runTree } from './fixture.ts'

const definition = new URL('../../../../deploy/crds/kosmos.io_clusters.yaml', import.meta.url)
const secret = { namespace: systemNamespace, name: 'of-leaf' }
const pod = { namespace: 'default', name: 'steady' }

describe('a leaf that is made anew while it is followed, with the address and the keys of the first', () => {
  const stop = new AbortController()
  let root: LiveCluster
  let leaf: LiveCluster
  let running: Promise<void>

  const says = (type: string, expected: string) =>
    eventually(`${type} ${expected}`, async () => {
      const { status } = (await root.client.get(clusters, { name: 'leaf' })) ?? {}
      const said = status?.conditions?.find((one) => one.type === type)
      return said && `${said.status} ${said.reason}` === expected
    })
  const admitsPods = async ({ client }: LiveCluster) => {
    await eventually('pods may be created', async () => {
      const account = { metadata: { namespace: 'default', name: 'default' } }
      return await client.create(serviceAccounts, account).then(
        ({ ok }) => ok,
        () => false,
      )
    })
  }
  const inRoot = async () => (await root.client.get(pods, pod)) ?? assert.fail('the root pod is gone')
  const copy = () => leaf.client.get(pods, pod)

  before(async () => {
    ;[root, leaf] = await Promise.all([startCluster('root'), startCluster('leaf')])
    await root.client.create(customResourceDefinitions, load(readFileSync(definition, 'utf8')) as KubeObject)
    await root.client.create(namespaces, { metadata: { name: systemNamespace } })
    await Promise.all([root, leaf].map(admitsPods))
    await eventually('Clusters are served', async () => {
      const path = '/apis/kosmos.io/v1alpha1/clusters'
      return (await root.client.connection.request({ method: 'GET', path })).code === 200
    })
    const data = { kubeconfig: readFileSync(leaf.controlPlane.kubeconfig).toString('base64') }
    unwrap(await root.client.create(secrets, { metadata: secret, data } as KubeObject))
    const spec = { credentialsSecretRef: { name: secret.name }, clusterTreeOptions: { enable: true } }
    unwrap(await root.client.create(clusters, { metadata: { name: 'leaf' }, spec } as KubeObject))
    running = runTree(root, () => {}, stop.signal)
    running.catch(() => {})
    await says('CredentialsValid', 'True CredentialsAccepted')
    const placed = { nodeName: 'kosmos-leaf', tolerations: [{ operator: 'Exists' }] }
    const podSpec = { ...placed, automountServiceAccountToken: false, containers: [{ name: 'main', image: 'nginx' }] }
    unwrap(await root.client.create(pods, { metadata: pod, spec: podSpec } as KubeObject))
    await eventually('there is a copy', copy)
    const status = { phase: 'Running', startTime: '2026-01-01T00:00:00Z' }
    await leaf.client.patch(pods, pod, { status }, { type: 'strategic', subresource: 'status' })
    await eventually('it runs', async () => (await inRoot()).status?.phase === 'Running')
  })
  after(async () => {
    stop.abort()
    await running
    await Promise.all([root?.end(), leaf?.end()])
  })

  it('is not taken for the first: its pods have not failed, and none is made in the other', async () => {
    const { controlPlane } = leaf
    await controlPlane.kill('kube-apiserver')
    await controlPlane.kill('etcd')
    rmSync(path.join(controlPlane.dir, 'etcd'), { recursive: true })
    await controlPlane.restart('etcd')
    await controlPlane.restart('kube-apiserver')
    await admitsPods(leaf)
    await says('VirtualNodesReady', 'False LeafReplaced')
    assert.equal((await inRoot()).status?.phase, 'Running')
    assert.equal(await copy(), undefined)
  })
})
