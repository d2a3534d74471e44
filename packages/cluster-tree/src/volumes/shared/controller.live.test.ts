import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { rootClusterLabel } from '@kosmos/api'
import {
  Informer,
  type KubeObject,
  namespaces,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
  unwrap,
} from '@kosmos/kube'
import { ConfigurationRegistry } from '../../configuration/registry.ts'
import { eventually, type LiveCluster, startCluster } from '../../live.fixture.ts'
import { startNamespaces } from '../../namespaces/fixture.ts'
import type { Notice } from '../../root/events.ts'
import { awaitedSource } from '../data-source.ts'
import { SharedVolumes } from './controller.ts'
import { sharedVolumeName } from './volume.ts'

const namespace = 'shop'
const rootClusterId = 'root-1'
const className = 'nfs'
const NFS = { nfs: { server: 'files.example.com', path: '/data' } }

describe('volumes of the root that a leaf reaches', () => {
  const stop = new AbortController()
  const registry = new ConfigurationRegistry()
  const told: string[] = []
  let root: LiveCluster
  let leaf: LiveCluster
  let volumes: SharedVolumes
  let running: Promise<unknown>

  before(async () => {
    ;[root, leaf] = await Promise.all([startCluster('root'), startCluster('leaf')])
    await root.client.create(namespaces, { metadata: { name: namespace } })
    const rootClaims = new Informer({
      client: root.client,
      resource: persistentVolumeClaims,
      indexes: {
        unbound: () => [],
        cloneOf: (claim: PersistentVolumeClaim) => {
          const source = awaitedSource(claim)
          return source === undefined ? [] : [source]
        },
      },
    })
    const labelSelector = `${rootClusterLabel}=${rootClusterId}`
    const leafClaims = new Informer({ client: leaf.client, resource: persistentVolumeClaims, labelSelector })
    volumes = new SharedVolumes({
      root: root.client,
      leaf: leaf.client,
      clusterName: 'east',
      rootClusterId,
      rootClaims,
      leafClaims,
      namespaces: startNamespaces(root.client, leaf.client, rootClusterId).copies,
      registry,
      registered: Promise.resolve(),
      heldBack: () => false,
      shared: () => [className],
      events: { record: (object: KubeObject, { note }: Notice) => told.push(`${object.metadata?.name}: ${note}`) },
      wake: () => {},
    })
    running = Promise.all([rootClaims, leafClaims, volumes.controller].map((each) => each.run(stop.signal)))
  })
  after(async () => {
    stop.abort()
    await running
    await Promise.all([root?.end(), leaf?.end()])
  })

  const capacity = { storage: '1Gi' }
  const accessModes = ['ReadWriteMany']
  /** A claim as the root's binder leaves it. */
  const claim = async (name: string, volumeName: string) => {
    const spec = { accessModes, resources: { requests: capacity }, storageClassName: className, volumeName }
    const made = await root.client.create(persistentVolumeClaims, { metadata: { namespace, name }, spec } as KubeObject)
    const status = { phase: 'Bound', capacity, accessModes }
    const ref = { namespace, name }
    const bound = await root.client.patch(
      persistentVolumeClaims,
      ref,
      { status },
      { type: 'merge', subresource: 'status' },
    )
    assert(bound.ok)
    return unwrap(made) ?? assert.fail()
  }
  const volume = async (name: string, claimRef: object, source: object = NFS) => {
    const spec = { capacity, accessModes, storageClassName: className, claimRef, ...source }
    assert((await root.client.create(persistentVolumes, { metadata: { name }, spec } as KubeObject)).ok)
  }
  const need = (name: string) => {
    const key = `${namespace}/${name}`
    for (const turned of registry.set(`${namespace}/pod-of-${name}`, [key])) volumes.enqueue(turned)
    return key
  }
  const inLeaf = ({ metadata: { uid } }: PersistentVolumeClaim) =>
    leaf.client.get(persistentVolumes, { name: sharedVolumeName(uid) })

  it('are described there for the claim that has them', async () => {
    const own = await claim('own', 'of-own')
    await volume('of-own', { namespace, name: 'own', uid: own.metadata.uid })
    need('own')
    const described = await eventually('the leaf has it', () => inLeaf(own))
    assert.equal(described.spec?.nfs?.server, NFS.nfs.server)
  })

  /** A claim of a volume of that name, which the leaf is not to have: why. */
  const isRefused = async (name: string, said: RegExp, prepare: (uid: string) => Promise<void>) => {
    const made = await claim(name, name)
    await prepare(made.metadata.uid)
    const key = need(name)
    await eventually('it is refused', () => volumes.stateOf(key) === 'refused')
    assert.match(volumes.refusalOf(key) ?? '', said)
    await eventually('it is told', () => told.some((note) => note.startsWith(`${name}: `) && said.test(note)))
    assert.equal(await inLeaf(made), undefined)
  }

  it('are kept from a claim that only names them', async () => {
    await isRefused('theirs', /PersistentVolume theirs is not bound to it/, () =>
      volume('theirs', { namespace: 'others', name: 'theirs', uid: 'another' }),
    )
  })

  it('are missed aloud when they are gone', async () => {
    await isRefused('gone', /PersistentVolume gone is gone in the root/, async () => {})
  })

  it('are not taken for a folder of a node of the leaf', async () => {
    await isRefused('folder', /PersistentVolume folder is a folder of a node of the root.*node affinity/, (uid) =>
      volume('folder', { namespace, name: 'folder', uid }, { hostPath: { path: '/data' } }),
    )
  })
})
