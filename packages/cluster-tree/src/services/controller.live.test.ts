import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { rootClusterLabel, setRightAnnotation } from '@kosmos/api'
import {
  Client,
  Informer,
  type KubeObject,
  namespaces,
  type Pod,
  pods,
  type Service,
  serviceAccounts,
  services,
  unwrap,
} from '@kosmos/kube'
import { copyInformer } from '../copies/informer.ts'
import { connect, eventually, type LiveCluster, startCluster } from '../live.fixture.ts'
import { startNamespaces } from '../namespaces/fixture.ts'
import { BoundPods } from '../root/bound-pods.ts'
import type { Notice } from '../root/events.ts'
import { PodsOnNodes } from '../root/pods-on-nodes.ts'
import { ServiceCopies } from './controller.ts'

const nodeName = 'kosmos-east'
const rootClusterId = 'root-1'

/** One life of the process, as far as Services are concerned. */
function startServices(root: LiveCluster, leaf: Client) {
  const stop = new AbortController()
  const boundPods = new BoundPods(root.client)
  const rootPods = new PodsOnNodes(boundPods)
  rootPods.add(nodeName)
  const labelSelector = `${rootClusterLabel}=${rootClusterId}`
  const indexes = { namespace: ({ metadata }: KubeObject) => [metadata?.namespace ?? ''] }
  const leafPods = new Informer<Pod, 'namespace'>({ client: leaf, resource: pods, labelSelector, indexes })
  const rootServices = new Informer<Service, 'namespace'>({ client: root.client, resource: services, indexes })
  const leafServices = copyInformer({ client: leaf, resource: services, labelSelector, indexes })
  const told: string[] = []
  const settled: string[] = []
  const copies = new ServiceCopies({
    leaf,
    clusterName: 'east',
    rootClusterId,
    rootServices,
    leafServices,
    rootPods,
    leafPods,
    namespaces: startNamespaces(root.client, leaf, rootClusterId).copies,
    events: {
      record: ({ metadata }: KubeObject, { reason, note }: Notice) => told.push(`${metadata?.name} ${reason}: ${note}`),
    },
    settled: (namespace) => settled.push(namespace),
  })
  const running = Promise.all(
    [boundPods.informer, leafPods, rootServices, leafServices, copies.controller].map((each) => each.run(stop.signal)),
  )
  return {
    copies,
    knows: rootServices,
    synced: Promise.all([boundPods.informer, leafPods, rootServices, leafServices].map(({ synced }) => synced)),
    told,
    settled,
    end: async () => {
      stop.abort()
      await running
    },
  }
}

describe('Services of the root in a leaf', () => {
  let root: LiveCluster
  let leaf: LiveCluster
  let ours: Client
  let life: ReturnType<typeof startServices>
  /** Services that we have written over in the leaf, each time. */
  const replaced: string[] = []

  before(async () => {
    ;[root, leaf] = await Promise.all([startCluster('root'), startCluster('leaf')])
    const { connection } = await connect('leaf', leaf.controlPlane.kubeconfig, {
      onRequest: ({ method, path }) => {
        const [, namespace] = (method === 'PUT' && /namespaces\/([^/]+)\/services\//.exec(path)) || []
        if (namespace) replaced.push(namespace)
      },
    })
    ours = new Client(connection, 'kosmos-cluster-tree')
    life = startServices(root, ours)
  })
  after(async () => {
    await life?.end()
    await ours?.connection.close()
    await Promise.all([root?.end(), leaf?.end()])
  })

  const namespaceOf = async (name: string) => {
    await root.client.create(namespaces, { metadata: { name } })
    await root.client.create(serviceAccounts, { metadata: { namespace: name, name: 'default' } })
    return name
  }
  const serve = async (namespace: string, name: string, spec: object = {}) => {
    const service = { metadata: { namespace, name }, spec: { selector: { app: name }, ports: [{ port: 80 }], ...spec } }
    const made = unwrap(await root.client.create<Service>(services, service as KubeObject)) ?? assert.fail()
    // Pods come by another watch, and settle with what is known.
    await eventually('it is known', () => life.knows.get(`${namespace}/${name}`)?.metadata.uid === made.metadata.uid)
    return made
  }
  const run = (namespace: string, name: string) => {
    const spec = { nodeName, containers: [{ name: 'a', image: 'a' }], automountServiceAccountToken: false }
    return root.client.create(pods, { metadata: { namespace, name }, spec } as KubeObject)
  }
  const stop = (namespace: string, name: string) =>
    root.client.delete(pods, { namespace, name }, { gracePeriodSeconds: 0 })
  const inLeaf = (namespace: string, name: string) => leaf.client.get(services, { namespace, name })

  it('are there while their namespace has a pod in the leaf, with an address of the leaf', async () => {
    const namespace = await namespaceOf('coming')
    await serve(namespace, 'web')
    await run(namespace, 'first')
    await eventually('the pod may come', () => life.settled.includes(namespace))
    assert.ok(life.copies.isSettled(namespace))
    const copy = (await inLeaf(namespace, 'web')) ?? assert.fail()
    assert.deepEqual(copy.spec?.selector, { app: 'web', [rootClusterLabel]: rootClusterId })
    assert.ok(copy.spec?.clusterIP)
    await stop(namespace, 'first')
    await eventually('it is gone', async () => !(await inLeaf(namespace, 'web')))
  })

  it('follow the root: come, change, become headless, and go', async () => {
    const namespace = await namespaceOf('changing')
    await run(namespace, 'pod')
    const web = await serve(namespace, 'web')
    const before = await eventually('it is there', () => inLeaf(namespace, 'web'))
    const ports = [{ port: 8080 }]
    await root.client.patch(services, { namespace, name: 'web' }, { spec: { ports } }, { type: 'merge' })
    const changed = await eventually('it is changed', async () => {
      const now = await inLeaf(namespace, 'web')
      return now?.spec?.ports?.[0]?.port === 8080 && now
    })
    assert.equal(changed.spec?.clusterIP, before.spec?.clusterIP)
    await root.client.delete(services, { namespace, name: 'web' }, { uid: web.metadata.uid })
    await serve(namespace, 'web', { clusterIP: 'None' })
    await eventually('it is headless', async () => (await inLeaf(namespace, 'web'))?.spec?.clusterIP === 'None')
    await root.client.delete(services, { namespace, name: 'web' })
    await eventually('it is gone', async () => !(await inLeaf(namespace, 'web')))
  })

  it('come back when somebody deletes them in the leaf', async () => {
    const namespace = await namespaceOf('robbed')
    await serve(namespace, 'web')
    await run(namespace, 'pod')
    const { metadata } = await eventually('it is there', () => inLeaf(namespace, 'web'))
    await leaf.client.delete(services, { namespace, name: 'web' })
    await eventually('another', async () => {
      const now = await inLeaf(namespace, 'web')
      return now && now.metadata.uid !== metadata.uid
    })
  })

  const by = (manager: string) => new Client(leaf.client.connection, manager)
  const edit = async (namespace: string, change: object, manager = 'kubectl-edit') =>
    unwrap(await by(manager).patch(services, { namespace, name: 'web' }, change, { type: 'merge' }))
  /** What clients of the copy find. */
  const isRight = (namespace: string, port = 80) =>
    eventually(`web of ${namespace} is as in the root`, async () => {
      const {
        selector,
        ports = [],
        sessionAffinity,
        publishNotReadyAddresses,
      } = (await inLeaf(namespace, 'web'))?.spec ?? {}
      const isAll = isDeepStrictEqual(selector, { app: 'web', [rootClusterLabel]: rootClusterId })
      const [first, ...more] = ports.map(({ port }) => port)
      return isAll && first === port && more.length === 0 && sessionAffinity === 'None' && publishNotReadyAddresses
    })
  const shared = async (name: string) => {
    const namespace = await namespaceOf(name)
    await serve(namespace, 'web', { publishNotReadyAddresses: true })
    await run(namespace, 'pod')
    await isRight(namespace)
    return namespace
  }

  it('are as in the root again when somebody writes into them in the leaf, and say so', async () => {
    const namespace = await shared('edited')
    const { clusterIP } = (await inLeaf(namespace, 'web'))?.spec ?? {}
    for (const [index, change] of [
      { spec: { selector: { app: 'other' } } },
      { spec: { ports: [{ port: 81 }] } },
      {
        spec: {
          ports: [
            { port: 80, name: 'a' },
            { port: 81, name: 'b' },
          ],
        },
      },
      { spec: { sessionAffinity: 'ClientIP' } },
      { spec: { publishNotReadyAddresses: null } },
    ].entries()) {
      const already = life.told.length
      await edit(namespace, change)
      await eventually(`change ${index} is told`, () => life.told.length > already)
      await isRight(namespace)
    }
    const copy = await inLeaf(namespace, 'web')
    assert.equal(copy?.spec?.clusterIP, clusterIP)
    assert.match(
      copy?.metadata.annotations?.[setRightAnnotation] ?? '',
      /after (?:kubectl-edit|somebody) had changed it$/,
    )
    const said = life.told.filter((one) => one.startsWith('web ConfigurationChangedInLeaf: Service web was changed in'))
    assert.match(said[0] ?? '', /cluster east by kubectl-edit, and is as the root has it again: only what is changed/)
    assert.match(said[4] ?? '', /by somebody.*\. That was 5 times in a row; the next time theirs stays for up to 16 s$/)
  })

  it('are written less and less often against somebody who writes on, and at once when the root’s changes', async () => {
    const namespace = await shared('fought-over')
    for (const _ of [1, 2, 3]) {
      await edit(namespace, { spec: { selector: { app: 'other' } } }, 'flux')
      await isRight(namespace)
    }
    await edit(namespace, { spec: { selector: { app: 'other' } } }, 'flux')
    await root.client.patch(
      services,
      { namespace, name: 'web' },
      { spec: { ports: [{ port: 82 }] } },
      { type: 'merge' },
    )
    await isRight(namespace, 82)
    assert.equal(replaced.filter((one) => one === namespace).length, 4)
  })

  it('are not written when only their labels are, nor after a restart when nobody wrote to them meanwhile', async () => {
    const [labelled, untouched, edited] = [await shared('labelled'), await shared('untouched'), await shared('away')]
    const robbed = await shared('robbed-of-a-field')
    await edit(labelled, { metadata: { labels: { team: 'a' } } })
    await life.end()
    await edit(edited, { spec: { selector: { app: 'other' } } })
    await edit(robbed, { spec: { publishNotReadyAddresses: null } })
    replaced.length = 0
    life = startServices(root, ours)
    await life.synced
    await Promise.all([edited, robbed].map((namespace) => isRight(namespace)))
    const after = await shared('after-restart')
    await edit(after, { spec: { sessionAffinity: 'ClientIP' } })
    await isRight(after)
    assert.deepEqual(
      replaced.filter((one) => [labelled, untouched].includes(one)),
      [],
    )
    assert.equal((await inLeaf(labelled, 'web'))?.metadata.labels?.team, 'a')
  })

  it('leave alone what the leaf has under their name, and say so', async () => {
    const namespace = await namespaceOf('taken')
    await leaf.client.create(namespaces, { metadata: { name: namespace } })
    const theirs = { metadata: { namespace, name: 'web' }, spec: { ports: [{ port: 1 }] } }
    await leaf.client.create(services, theirs as KubeObject)
    await serve(namespace, 'web')
    await run(namespace, 'pod')
    await eventually('it is told', () => life.told.some((said) => said.startsWith('web NameTakenInLeaf')))
    assert.ok(life.copies.isSettled(namespace), 'pods do not wait for it')
    assert.equal((await inLeaf(namespace, 'web'))?.spec?.ports?.[0]?.port, 1)
  })

  it('hold back pods of their namespace alone until they are there', async () => {
    const namespace = await namespaceOf('waiting')
    await serve(namespace, 'web')
    const seen: boolean[] = []
    await run(namespace, 'pod')
    await eventually('it is settled', () => {
      seen.push(life.copies.isSettled('elsewhere'))
      return life.settled.includes(namespace)
    })
    assert.ok(await inLeaf(namespace, 'web'))
    assert.ok(seen.every(Boolean))
  })
})
