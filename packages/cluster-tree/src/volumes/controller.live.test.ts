import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { clusterLabel, leafProvisioner, rootClusterLabel } from '@kosmos/api'
import {
  Informer,
  type KubeObject,
  namespaces,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  resource,
  storageClasses,
  unwrap,
} from '@kosmos/kube'
import { ConfigurationRegistry } from '../configuration/registry.ts'
import { eventually, type LiveCluster, startCluster } from '../live.fixture.ts'
import { startNamespaces } from '../namespaces/fixture.ts'
import { LeafVolumes } from './controller.ts'
import { watchVolumes } from './root-volumes.ts'
import { selectedNodeAnnotation } from './volume.ts'

const quotas = resource('v1', 'ResourceQuota', 'resourcequotas', 'Namespaced')
const namespace = 'shop'
const rootClusterId = 'root-1'
const clusterName = 'east'

describe('claims of the root whose volumes a leaf makes', () => {
  const stop = new AbortController()
  const registry = new ConfigurationRegistry()
  const told: string[] = []
  const woken: string[] = []
  let root: LiveCluster
  let leaf: LiveCluster
  let volumes: LeafVolumes
  let running: Promise<unknown>

  before(async () => {
    ;[root, leaf] = await Promise.all([startCluster('root'), startCluster('leaf')])
    const { client } = root
    await client.create(namespaces, { metadata: { name: namespace } })
    const labelSelector = `${rootClusterLabel}=${rootClusterId}`
    const leafClaims = new Informer({ client: leaf.client, resource: persistentVolumeClaims, labelSelector })
    const virtualNodes = new Informer({ client, resource: nodes, labelSelector: clusterLabel })
    const rootVolumes = watchVolumes(client)
    volumes = new LeafVolumes({
      root: client,
      leaf: leaf.client,
      clusterName,
      rootClusterId,
      rootVolumes,
      virtualNodes,
      leafClaims,
      registry,
      nodeOf: () => undefined,
      namespaces: startNamespaces(client, leaf.client, rootClusterId).copies,
      shared: { stateOf: () => undefined, refusalOf: () => undefined, enqueue: () => {} },
      classNames: () => ({}),
      leafClasses: { get: () => undefined, hasSynced: false },
      attributesClassNames: () => ({}),
      events: { record: ({ metadata }, { reason, note }) => told.push(`${metadata?.name}: ${reason}: ${note}`) },
      wake: (pod) => woken.push(pod),
    })
    const followed = [...Object.values(rootVolumes), virtualNodes, leafClaims, volumes.controller]
    running = Promise.all(followed.map((each) => each.run(stop.signal)))
    await Promise.all([leafClaims, virtualNodes, ...Object.values(rootVolumes)].map(({ synced }) => synced))
  })
  after(async () => {
    stop.abort()
    await running
    await Promise.all([root?.end(), leaf?.end()])
  })

  const node = (name: string) => {
    const status = { conditions: [{ type: 'Ready', status: 'True' }] }
    return root.client.create(nodes, {
      metadata: { name, labels: { [clusterLabel]: clusterName } },
      status,
    } as KubeObject)
  }
  const storageClass = (name: string) =>
    root.client.create(storageClasses, {
      metadata: { name },
      provisioner: leafProvisioner,
      volumeBindingMode: 'WaitForFirstConsumer',
    } as KubeObject)
  /** A claim for whose first pod the scheduler has chosen a node. */
  const claim = async (name: string, storageClassName: string, nodeName?: string) => {
    const annotations = nodeName === undefined ? {} : { [selectedNodeAnnotation]: nodeName }
    const resources = { requests: { storage: '1Gi' } }
    const spec = { accessModes: ['ReadWriteOnce'], resources, storageClassName }
    const metadata = { namespace, name, annotations }
    const made = await root.client.create(persistentVolumeClaims, { metadata, spec } as KubeObject)
    const {
      metadata: { uid },
    } = unwrap(made) ?? assert.fail()
    await eventually('it is known', () => volumes.stateOf(`${namespace}/${name}`) !== 'missing')
    return uid
  }
  const made = (uid: string) =>
    eventually('the root has its volume', () => root.client.get(persistentVolumes, { name: `pvc-${uid}` }))

  it('get them also when the class is heard of after the claim', async () => {
    await node('early')
    const uid = await claim('of-late-class', 'late', 'early')
    await storageClass('late')
    await made(uid)
  })

  it('get them also when the virtual node comes back after the claim', async () => {
    await storageClass('known')
    const uid = await claim('of-late-node', 'known', 'late')
    await node('late')
    await made(uid)
  })

  it('are said to be unbound while nobody makes a volume for them', async () => {
    const key = `${namespace}/unbound`
    await claim('unbound', 'of-nobody')
    assert.equal(volumes.stateOf(key), 'unbound')
  })

  it('that are larger than the leaf allows are told on the claim and to its pods, and made once it allows them', async () => {
    await leaf.client.create(namespaces, { metadata: { name: namespace } })
    const spec = { hard: { 'requests.storage': '500Mi' } }
    const quota = { metadata: { namespace, name: 'small' }, spec }
    const quotaMade = unwrap(await leaf.client.create<KubeObject>(quotas, quota as KubeObject)) ?? assert.fail()
    const status = { ...spec, used: { 'requests.storage': '0' } }
    unwrap(await leaf.client.replace(quotas, { ...quotaMade, status } as KubeObject, { subresource: 'status' }))
    await storageClass('limited')
    await node('limited')
    registry.set('shop/hungry', [`${namespace}/large`])
    const uid = await claim('large', 'limited', 'limited')
    await made(uid)
    // As the root's volume controller does it.
    const bound = { metadata: { uid }, spec: { volumeName: `pvc-${uid}` } }
    unwrap(await root.client.patch(persistentVolumeClaims, { namespace, name: 'large' }, bound, { type: 'merge' }))
    await eventually('it is refused', () => volumes.stateOf(`${namespace}/large`) === 'refused')
    assert.match(told.join('\n'), /^large: RefusedByLeaf: .*exceeded quota: small/m)
    assert.match(volumes.refusalOf(`${namespace}/large`) ?? '', /exceeded quota: small/)
    assert.ok(woken.includes('shop/hungry'))
    await leaf.client.delete(quotas, quota.metadata)
    await eventually('the leaf has it', () => volumes.stateOf(`${namespace}/large`) === 'current')
  })
})
