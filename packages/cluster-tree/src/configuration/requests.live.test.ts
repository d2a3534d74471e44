import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { rootClusterLabel, systemNamespace } from '@kosmos/api'
import { type Client, configMaps, type KubeObject, namespaces, pods, secrets, unwrap } from '@kosmos/kube'
import { type FaultProxy, startFaultProxy } from '@kosmos/testbed'
import { clusterSays, joinLeaf, runTree } from '../leaf/fixture.ts'
import { connect, eventually, type LiveCluster, startCluster } from '../live.fixture.ts'
import { connectRoot } from '../root/root.ts'

const namespace = 'default'
/** A namespace in which no pod of a leaf is. */
const OTHERS = 'others'
const RESOURCES = [configMaps, secrets] as const
const READS: readonly string[] = ['LIST', 'WATCH', 'WATCHLIST']
const COLLECTION = /^\/api\/v1\/(?:namespaces\/(?<namespace>[^/]+)\/)?(?:configmaps|secrets)\?/
const REQUEST_HEADERS = 'fieldSelector=metadata.name%3Dextension-apiserver-authentication&'
const OBJECT = /^\/api\/v1\/namespaces\/(?<namespace>[^/]+)\/(?:configmaps|secrets)\/(?<name>[^/?]+)/
const isMetadataOnly = (accept: string | undefined) => accept?.includes('as=PartialObjectMetadata') === true

describe('what is asked of the root and of a leaf for ConfigMaps and Secrets', () => {
  const stop = new AbortController()
  let root: LiveCluster
  let leaf: LiveCluster
  let rootProxy: FaultProxy
  let leafProxy: FaultProxy
  let rootId: string
  let running: Promise<void>

  const behind = ({ client, controlPlane, end }: LiveCluster, { kubeconfig }: FaultProxy): LiveCluster => ({
    client,
    controlPlane: { ...controlPlane, kubeconfig },
    end,
  })
  const store = async (client: Client, namespace: string, name: string) => {
    const object = { metadata: { namespace, name }, data: { word: 'Zmlyc3Q=' } } as KubeObject
    for (const resource of RESOURCES) unwrap(await client.create<KubeObject>(resource, object))
  }
  const change = async (namespace: string, name: string) => {
    for (const resource of RESOURCES) {
      const change = { data: { word: 'c2Vjb25k' } }
      assert((await root.client.patch<KubeObject>(resource, { namespace, name }, change, { type: 'merge' })).ok)
    }
  }
  const collections = (proxy: FaultProxy) =>
    proxy.requests().flatMap(({ verb, path, accept }) => {
      const found = READS.includes(verb) && COLLECTION.exec(path)
      return found ? [{ verb, path, accept, namespace: found.groups?.namespace }] : []
    })
  /** Which objects were read by name. */
  const read = (proxy: FaultProxy) =>
    new Set(
      proxy.requests().flatMap(({ verb, path }) => {
        const { namespace, name } = (verb === 'GET' && OBJECT.exec(path)?.groups) || {}
        return name ? [`${namespace}/${name}`] : []
      }),
    )

  before(async () => {
    ;[root, leaf] = await Promise.all([startCluster('root'), startCluster('leaf')])
    rootProxy = await startFaultProxy({ target: root.controlPlane })
    leafProxy = await startFaultProxy({ target: leaf.controlPlane })
    await joinLeaf(root, behind(leaf, leafProxy))
    rootId = (await root.client.get(namespaces, { name: 'kube-system' }))?.metadata.uid ?? assert.fail()
    for (const { client } of [root, leaf]) {
      await client.create(namespaces, { metadata: { name: OTHERS } })
      for (const index of Array.from({ length: 20 }).keys()) await store(client, OTHERS, `unreferenced-${index}`)
    }
    running = runTree(behind(root, rootProxy), () => {}, stop.signal)
    running.catch(() => {})
    await clusterSays(root, 'CredentialsValid', 'True CredentialsAccepted')
    await store(root.client, namespace, 'wanted')
    const envFrom = [{ configMapRef: { name: 'wanted' } }, { secretRef: { name: 'wanted' } }]
    const spec = {
      nodeName: 'kosmos-leaf',
      tolerations: [{ operator: 'Exists' }],
      automountServiceAccountToken: false,
      containers: [{ name: 'main', image: 'nginx', envFrom }],
    }
    const metadata = { namespace, name: 'reader' }
    unwrap(await root.client.create(pods, { metadata, spec } as KubeObject))
    await eventually('there is a copy', () => leaf.client.get(pods, metadata))
    // What comes after theirs has been done, and so has theirs.
    await change(OTHERS, 'unreferenced-1')
    await change(namespace, 'wanted')
    await eventually('the copies follow', async () => {
      const ref = { namespace, name: 'wanted' }
      const [configMap, secret] = [await leaf.client.get(configMaps, ref), await leaf.client.get(secrets, ref)]
      return configMap?.data?.word === 'c2Vjb25k' && secret?.data?.word === 'c2Vjb25k'
    })
  })
  after(async () => {
    stop.abort()
    await running
    await Promise.all([rootProxy?.close(), leafProxy?.close()])
    await Promise.all([root?.end(), leaf?.end()])
  })

  it('is nothing by name but what pods of the leaf refer to', () => {
    const [ours, ...rest] = [...read(rootProxy)].filter((key) => !key.startsWith('kube-system/'))
    assert.deepEqual([ours, rest], [`${namespace}/wanted`, []])
  })

  it('is of the root which there are, by metadata alone; what changes comes whole, as does our own namespace', () => {
    const seen = collections(rootProxy)
    assert.ok(seen.length >= 5, 'lists and watches of both, and of the credentials of leaves')
    for (const { verb, path, accept, namespace } of seen) {
      const isOfAll = namespace === undefined
      // By name, who may ask for metrics: as every server that asks the API server.
      assert.ok(isOfAll || namespace === systemNamespace || path.includes(REQUEST_HEADERS), path)
      if (isOfAll && verb !== 'WATCH') assert.ok(isMetadataOnly(accept), `${verb} ${path} for ${accept}`)
    }
  })

  it('leaves nothing in memory but which version there is of each', async (t) => {
    const life = new AbortController()
    const client = await connect('root', root.controlPlane.kubeconfig)
    const connected = await connectRoot(client, { record: () => {} })
    const following = connected.run(life.signal)
    t.after(async () => {
      life.abort()
      await following
      await client.connection.close()
    })
    const { configuration } = connected
    await Promise.all([configuration.configmaps.synced, configuration.secrets.synced])
    await store(root.client, OTHERS, 'new')
    const held = await eventually('it knows of the new ones', () => {
      const both = [configuration.configmaps.get(`${OTHERS}/new`), configuration.secrets.get(`${OTHERS}/new`)]
      return both.every((one) => one !== undefined) && both
    })
    for (const { apiVersion: _, kind: __, ...object } of [
      ...held,
      configuration.secrets.get(`${OTHERS}/unreferenced-1`) ?? {},
    ]) {
      assert.deepEqual(Object.keys(object), ['metadata'])
      assert.deepEqual(Object.keys(object.metadata ?? {}).sort(), ['name', 'namespace', 'resourceVersion', 'uid'])
    }
  })

  it('is of the leaf what is ours, and of that the metadata', () => {
    const seen = collections(leafProxy)
    assert.ok(seen.length >= 2, 'a watch of both')
    for (const { verb, path, accept } of seen) {
      const selector = new URL(path, 'https://leaf').searchParams.get('labelSelector')
      assert.equal(selector, `${rootClusterLabel}=${rootId}`, `${verb} ${path}`)
      assert.ok(isMetadataOnly(accept), `${verb} ${path} for ${accept}`)
    }
    assert.deepEqual([...read(leafProxy)], [])
  })

  it('is that the leaf makes them before the pod that needs them', () => {
    const made = leafProxy.requests().flatMap(({ verb, path }) => {
      const [, plural] = /^\/api\/v1\/namespaces\/default\/(configmaps|secrets|pods)\?/.exec(path) ?? []
      return verb === 'CREATE' && plural ? [plural] : []
    })
    assert.deepEqual([made.slice(0, -1).sort(), made.at(-1)], [['configmaps', 'secrets'], 'pods'])
  })
})
