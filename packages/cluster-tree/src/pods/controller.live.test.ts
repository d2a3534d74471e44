import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { clusterSelectorAnnotation, rootClusterLabel, rootGenerationAnnotation, rootUidAnnotation } from '@kosmos/api'
import {
  type Client,
  Informer,
  type KubeObject,
  namespaces,
  nodes,
  type Pod,
  type PodSpec,
  type PodStatus,
  pods,
  resource,
  serviceAccounts,
  unwrap,
} from '@kosmos/kube'
import type { CopyState } from '../configuration/controller.ts'
import { ConfigurationRegistry } from '../configuration/registry.ts'
import { eventually, type LiveCluster, startCluster } from '../live.fixture.ts'
import { startNamespaces } from '../namespaces/fixture.ts'
import type { Home } from '../nodes/home.ts'
import { BoundPods } from '../root/bound-pods.ts'
import type { Notice } from '../root/events.ts'
import { PodsOnNodes } from '../root/pods-on-nodes.ts'
import { PodController } from './controller.ts'
import { PodNeeds } from './needs/needs.ts'

const namespace = 'shop'
const limitRanges = resource('v1', 'LimitRange', 'limitranges', 'Namespaced')
const validatingWebhooks = resource(
  'admissionregistration.k8s.io/v1',
  'ValidatingWebhookConfiguration',
  'validatingwebhookconfigurations',
  'Cluster',
)
const context = { rootClusterId: 'root-1', clusterName: 'east' }
const nodeName = 'kosmos-east'

/** One life of the process, as far as the pods of one virtual node are concerned, which may be none of its own. */
function startPods(root: Client, leaf: Client, isNodeOurs = true) {
  const stop = new AbortController()
  const boundPods = new BoundPods(root)
  const rootPods = new PodsOnNodes(boundPods)
  if (isNodeOurs) rootPods.add(nodeName)
  const leafPods = new Informer<Pod, 'namespace'>({
    client: leaf,
    resource: pods,
    labelSelector: `${rootClusterLabel}=root-1`,
    indexes: { namespace: ({ metadata }) => [metadata.namespace ?? ''] },
  })
  const registry = new ConfigurationRegistry()
  const copies = new Map<string, CopyState>()
  const told: string[] = []
  /** How often each pod was looked at. */
  const looks = new Map<string, number>()
  const life = { isCurrent: true, recreate: false, home: { kind: 'cluster' } as Home }
  const controller = new PodController({
    context,
    apiServer: () => undefined,
    leafApi: () => false,
    priorityClasses: () => ({}),
    tokens: { prepare: async () => undefined },
    needs: new PodNeeds({
      clusterName: context.clusterName,
      registry,
      copies: {
        stateOf: (key) => copies.get(key) ?? 'current',
        refusalOf: () => 'quota of secrets',
        nameOf: (key) => key.replace(/.*\//, ''),
        enqueue: () => {},
      },
      claims: new ConfigurationRegistry(),
      volumes: {
        stateOf: () => 'current',
        refusalOf: () => undefined,
        whereabouts: () => undefined,
        nameOf: (key) => key,
        enqueue: () => {},
      },
      services: { isSettled: () => true },
      trust: { stateOf: () => undefined },
      certificates: { stateOf: () => undefined },
    }),
    root,
    leaf,
    rootPods,
    homeOf: () => life.home,
    rootResourcesOf: () => [],
    taintsOf: () => [],
    rootVersion: () => boundPods.informer.resourceVersion,
    onOrphan: (key) => told.push(`${key} Orphan`),
    leafPods,
    namespaces: startNamespaces(root, leaf, context.rootClusterId).copies,
    events: { record: (object: KubeObject, { reason }: Notice) => told.push(`${object.metadata?.name} ${reason}`) },
    globalCIDRs: () => ({}),
    recreate: () => life.recreate,
    isCurrent: () => life.isCurrent,
    onReconcile: ({ key }) => looks.set(key, (looks.get(key) ?? 0) + 1),
  })
  const running = Promise.all(
    [boundPods.informer, leafPods, controller.controller].map((each) => each.run(stop.signal)),
  )
  return {
    controller,
    registry,
    copies,
    told,
    looks,
    life,
    rootPods,
    end: async () => {
      stop.abort()
      await running
    },
  }
}

describe('the pods of a virtual node and their copies', () => {
  let root: LiveCluster
  let leaf: LiveCluster
  let pair: ReturnType<typeof startPods>
  let count = 0
  let name = ''

  before(async () => {
    ;[root, leaf] = await Promise.all([startCluster('root'), startCluster('leaf')])
    for (const { client } of [root, leaf]) {
      await client.create(namespaces, { metadata: { name: namespace } })
      await client.create(serviceAccounts, { metadata: { namespace, name: 'default' } })
    }
    // Admission of a resize asks how large the node is.
    const status = { capacity: { cpu: '8' }, allocatable: { cpu: '8' } }
    await root.client.create(nodes, { metadata: { name: nodeName }, status } as KubeObject)
    await leaf.client.create(nodes, { metadata: { name: 'worker' }, status } as KubeObject)
    pair = startPods(root.client, leaf.client)
  })
  after(async () => {
    await pair?.end()
    await Promise.all([root?.end(), leaf?.end()])
  })
  beforeEach(() => {
    name = `pod-${count++}`
    pair.life.isCurrent = true
    pair.life.recreate = false
    pair.life.home = { kind: 'cluster' }
  })

  const ref = () => ({ namespace, name })
  const inRoot = () => root.client.get(pods, ref())
  const inLeaf = () => leaf.client.get(pods, ref())
  const manifest = (spec: Partial<PodSpec> = {}) =>
    ({
      metadata: ref(),
      spec: { nodeName, containers: [{ name: 'a', image: 'a' }], ...spec },
    }) as KubeObject
  const create = async (spec?: Partial<PodSpec>) => unwrap(await root.client.create(pods, manifest(spec))) as Pod
  /** The copy, on a node of the leaf: only then does the API server grant it time to stop. */
  const copyOf = async (pod: Pod): Promise<Pod> => {
    const at = { namespace, name: pod.metadata.name }
    const copy = await eventually('its copy', async () => {
      const seen = await leaf.client.get(pods, at)
      return seen?.metadata.annotations?.[rootUidAnnotation] === pod.metadata.uid && seen
    })
    const target = { apiVersion: 'v1', kind: 'Node', name: 'worker' }
    const bound = await leaf.client.createFor(pods, at, 'binding', {
      metadata: { name: at.name },
      target,
    } as KubeObject)
    assert(bound.ok)
    return copy
  }
  const setStatus = async (client: Client, status: PodStatus) =>
    unwrap(await client.patch(pods, ref(), { status }, { type: 'strategic', subresource: 'status' }))
  const waits = (reason: string) =>
    eventually(`it waits: ${reason}`, async () => {
      const pod = await inRoot()
      return pod?.status?.containerStatuses?.[0]?.state?.waiting?.reason === reason && pod
    })
  const running: PodStatus = {
    phase: 'Running',
    startTime: '2026-01-01T00:00:00Z',
    conditions: [{ type: 'Ready', status: 'True' }],
  }
  const phase = (expected: string) =>
    eventually(`it is ${expected}`, async () => {
      const pod = await inRoot()
      return pod?.status?.phase === expected && pod
    })
  const noneLeft = () =>
    eventually('both are gone', async () => (await inRoot()) === undefined && (await inLeaf()) === undefined)
  /** What a kubelet does when it has stopped a pod. */
  const stopInLeaf = async () => {
    await eventually('it is asked to stop', async () => (await inLeaf())?.metadata.deletionTimestamp !== undefined)
    await leaf.client.delete(pods, ref(), { gracePeriodSeconds: 0 })
  }

  it('are in step from the creation to the end', async () => {
    const pod = await create()
    await copyOf(pod)
    // The copy is there before we are answered that it is.
    await eventually('it is told', () => pair.told.includes(`${name} CreatedInLeaf`))
    await setStatus(leaf.client, running)
    const shown = await phase('Running')
    assert.equal(shown.metadata.uid, pod.metadata.uid)
    await root.client.delete(pods, ref(), { gracePeriodSeconds: 7 })
    const copy = await eventually('the copy is told', async () => {
      const seen = await inLeaf()
      return seen?.metadata.deletionTimestamp !== undefined && seen
    })
    assert.equal(copy.metadata.deletionGracePeriodSeconds, 7)
    assert(await inRoot())
    await stopInLeaf()
    await noneLeft()
  })

  it('get less time when somebody asks for less meanwhile, and the root pod keeps its finalizers for itself', async () => {
    const created = await root.client.create(pods, {
      ...manifest(),
      metadata: { ...ref(), finalizers: ['example.com/keep'] },
    })
    const pod = unwrap(created) as Pod
    await copyOf(pod)
    await setStatus(leaf.client, running)
    await phase('Running')
    const asked = async (gracePeriodSeconds: number) => {
      await root.client.delete(pods, ref(), { gracePeriodSeconds })
      return await eventually(`the copy has ${gracePeriodSeconds} s`, async () => {
        const copy = await inLeaf()
        return copy?.metadata.deletionGracePeriodSeconds === gracePeriodSeconds && copy
      })
    }
    await asked(300)
    const copy = await asked(7)
    assert.equal(copy.metadata.finalizers, undefined)
    await stopInLeaf()
    const ended = await phase('Failed')
    assert.deepEqual([ended.metadata.finalizers, await inLeaf()], [['example.com/keep'], undefined])
    await root.client.patch(pods, ref(), { metadata: { finalizers: null } }, { type: 'merge' })
    await noneLeft()
  })

  it('never meet a foreign pod of the name, which the root pod waits for', async () => {
    const foreign = unwrap(await leaf.client.create(pods, manifest({ nodeName: 'worker' }))) as Pod
    await create()
    await waits('NameTakenInLeaf')
    assert(pair.told.includes(`${name} NameTakenInLeaf`))
    await root.client.delete(pods, ref())
    await eventually('the root pod is gone', async () => (await inRoot()) === undefined)
    assert.equal((await inLeaf())?.metadata.resourceVersion, foreign.metadata.resourceVersion)
  })

  it('are two when the root pod was forced away and created again while we were down: one ends, then the other begins', async () => {
    await copyOf(await create())
    await pair.end()
    await root.client.delete(pods, ref(), { gracePeriodSeconds: 0 })
    const second = await create()
    pair = startPods(root.client, leaf.client)
    await waits('PreviousPodTerminating')
    assert.notEqual((await inLeaf())?.metadata.annotations?.[rootUidAnnotation], second.metadata.uid)
    await stopInLeaf()
    await copyOf(second)
  })

  it('go without any grace on both sides when the root pod is forced away', async () => {
    await copyOf(await create())
    await root.client.delete(pods, ref(), { gracePeriodSeconds: 0 })
    await noneLeft()
  })

  it('run on while their node is somebody else’s, which costs nothing, and end with their root pods', async () => {
    await copyOf(await create())
    await pair.end()
    pair = startPods(root.client, leaf.client, false)
    const looks = async () => {
      await sleep(2_000)
      return pair.looks.get(`${namespace}/${name}`)
    }
    await eventually('they are looked at', () => pair.looks.has(`${namespace}/${name}`))
    await eventually('nobody looks any more', async () => {
      const before = await looks()
      return (await looks()) === before
    })
    assert.equal((await inLeaf())?.metadata.deletionTimestamp, undefined)
    await root.client.delete(pods, ref(), { gracePeriodSeconds: 0 })
    await eventually('it is asked to stop', async () => (await inLeaf())?.metadata.deletionTimestamp !== undefined)
    await stopInLeaf()
    await noneLeft()
    pair.rootPods.add(nodeName)
  })

  it('are left in peace when a change that the leaf refused is taken back', async () => {
    await copyOf(await create())
    // Fits into the root pod, and not with what its copy has besides.
    const note = 'x'.repeat(256 * 1024 - 200)
    const annotate = (note: string | null) =>
      root.client.patch(pods, ref(), { metadata: { annotations: { note } } }, { type: 'merge' })
    assert((await annotate(note)).ok)
    await eventually('it is told', () => pair.told.includes(`${name} ChangeRefusedByLeaf`))
    await annotate(null)
    await eventually('nobody looks at it any more', async () => {
      const before = pair.looks.get(`${namespace}/${name}`)
      // Longer than the pause after a first refusal.
      await sleep(2_000)
      return pair.looks.get(`${namespace}/${name}`) === before
    })
  })

  it('are not made again when the copy has run and vanished: the root pod has failed', async () => {
    await copyOf(await create())
    await setStatus(leaf.client, running)
    await phase('Running')
    await leaf.client.delete(pods, ref(), { gracePeriodSeconds: 0 })
    await phase('Failed')
    assert(pair.told.includes(`${name} VanishedInLeaf`))
    assert.equal(await inLeaf(), undefined)
  })

  it('are given up with their root pods when nobody in the leaf ends them, as those of a lost node', async () => {
    const pod = await create({ terminationGracePeriodSeconds: 1 })
    await copyOf(pod)
    await setStatus(leaf.client, running)
    await phase('Running')
    // What a leaf does with the pods of a node that it has lost: they are to end, and no kubelet does it.
    await leaf.client.delete(pods, ref(), { gracePeriodSeconds: 1 })
    await eventually('it is known to be on its way out', async () =>
      (await inRoot())?.status?.conditions?.some(({ type }) => type === 'DisruptionTarget'),
    )
    assert.equal((await inRoot())?.metadata.deletionTimestamp, undefined)
    // A minute is what a kubelet that is there would never need.
    await sleep(50_000)
    await eventually('the root deletes its pod', async () => (await inRoot())?.metadata.deletionTimestamp)
    assert(pair.told.includes(`${name} StuckInLeaf`))
    assert.equal((await inRoot())?.metadata.uid, pod.metadata.uid, 'whose end nobody knows')
    await leaf.client.delete(pods, ref(), { gracePeriodSeconds: 0 })
    await noneLeft()
  })

  it('are made again under the same root pod where the Cluster says Recreate, which counts a restart', async () => {
    pair.life.recreate = true
    const pod = await create()
    const first = await copyOf(pod)
    const main = { name: 'a', image: 'a', imageID: 'i', ready: true, started: true, restartCount: 0, lastState: {} }
    const state = { running: { startedAt: '2026-01-01T00:00:01Z' } }
    const containerStatuses = [{ ...main, state }]
    await setStatus(leaf.client, { ...running, containerStatuses })
    await phase('Running')
    await leaf.client.delete(pods, ref(), { gracePeriodSeconds: 0 })
    const second = await eventually('another copy', async () => {
      const copy = await inLeaf()
      return copy && copy.metadata.uid !== first.metadata.uid && copy
    })
    assert.equal(second.metadata.annotations?.[rootUidAnnotation], pod.metadata.uid)
    const waiting = await waits('RecreatedInLeaf')
    assert.equal(waiting.status?.containerStatuses?.[0]?.restartCount, 1)
    assert.notEqual(waiting.status?.conditions?.find(({ type }) => type === 'Ready')?.status, 'True')
    // The copy is there before we are answered that it is.
    await eventually('it is told', () => pair.told.includes(`${name} RecreatedInLeaf`))
    await copyOf(pod)
    await setStatus(leaf.client, { ...running, containerStatuses: [{ ...main, restartCount: 2, state }] })
    await eventually('all restarts are counted', async () => {
      const seen = await inRoot()
      assert.equal(seen?.metadata.uid, pod.metadata.uid)
      return seen?.status?.containerStatuses?.[0]?.restartCount === 3
    })
    await root.client.delete(pods, ref(), { gracePeriodSeconds: 0 })
    await noneLeft()
  })

  it('are left as they are while one side is not known for certain, and looked at again afterwards', async () => {
    await copyOf(await create())
    await setStatus(leaf.client, running)
    await phase('Running')
    pair.life.isCurrent = false
    const unready = { conditions: [{ type: 'Ready', status: 'False', reason: 'NodeNotReady' }] }
    const marked = await setStatus(root.client, unready as PodStatus)
    const other = `${name}-other`
    await root.client.create(pods, { ...manifest(), metadata: { namespace, name: other } })
    pair.controller.resume()
    assert.equal((await inRoot())?.metadata.resourceVersion, marked?.metadata.resourceVersion)
    assert.equal(await leaf.client.get(pods, { namespace, name: other }), undefined)
    pair.life.isCurrent = true
    pair.controller.resume()
    await eventually('it is Ready again, although the leaf has not changed', async () => {
      return (await inRoot())?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')
    })
    await eventually('the other has its copy', () => leaf.client.get(pods, { namespace, name: other }))
  })

  it('say what they wait for: what is missing, in the way, or refused by the leaf; then the copy is made', async () => {
    const key = `secrets/${namespace}/key-of-${name}`
    pair.copies.set(key, 'missing')
    const pod = await create({
      containers: [{ name: 'a', image: 'a', envFrom: [{ secretRef: { name: `key-of-${name}` } }] }],
    })
    await waits('CreateContainerConfigError')
    assert(pair.registry.isNeeded(key))
    const turn = (state: CopyState) => {
      pair.copies.set(key, state)
      pair.controller.controller.enqueue(`${namespace}/${name}`)
    }
    turn('refused')
    assert.match((await waits('RefusedByLeaf')).status?.message ?? '', /Secret key-of-.*quota of secrets/)
    turn('pending')
    turn('current')
    await copyOf(pod)
  })

  it('say what is wrong with what they ask of leaf nodes, and come when it is corrected', async () => {
    const annotate = (selector: string) => ({ metadata: { annotations: { [clusterSelectorAnnotation]: selector } } })
    const { metadata, ...rest } = manifest()
    const pod = unwrap(
      await root.client.create(pods, { ...rest, metadata: { ...metadata, ...annotate('{').metadata } }),
    )
    const waiting = await waits('InvalidClusterSelector')
    assert.match(waiting.status?.message ?? '', /annotation kosmos\.io\/cluster-selector: /)
    assert(pair.told.includes(`${name} InvalidClusterSelector`))
    await root.client.patch(pods, ref(), annotate('{"nodeSelector":{"disk":"ssd"}}'), { type: 'merge' })
    await eventually('its copy', inLeaf)
    assert.deepEqual((await inLeaf())?.spec.nodeSelector, { disk: 'ssd' })
    await root.client.delete(pods, ref(), { uid: (pod as Pod).metadata.uid, gracePeriodSeconds: 0 })
    await noneLeft()
  })

  it('are in step when the root pod changes: labels, annotations, image, debug containers, resources', async () => {
    const resources = { requests: { cpu: '100m' }, limits: { cpu: '200m' } }
    const pod = await create({ containers: [{ name: 'a', image: 'a', resources }] })
    await copyOf(pod)
    await leaf.client.patch(
      pods,
      ref(),
      { metadata: { annotations: { 'cni.example/ip': '10.0.0.1' } } },
      { type: 'merge' },
    )
    const shown = (what: string, look: (copy: Pod) => unknown) =>
      eventually(what, async () => {
        const copy = await inLeaf()
        return copy && look(copy) ? copy : undefined
      })
    const change = async (patch: object, subresource?: 'resize' | 'ephemeralcontainers') =>
      unwrap(await root.client.patch(pods, ref(), patch, { type: 'strategic', subresource }))

    await change({ metadata: { labels: { tier: 'web' }, annotations: { note: 'first' } } })
    await shown(
      'the label',
      ({ metadata }) => metadata.labels?.tier === 'web' && metadata.annotations?.note === 'first',
    )
    await change({ metadata: { labels: { tier: null }, annotations: { note: 'second' } } })
    await shown('no label', ({ metadata }) => !metadata.labels?.tier && metadata.annotations?.note === 'second')
    await change({ spec: { containers: [{ name: 'a', image: 'b' }], activeDeadlineSeconds: 3600 } })
    await shown('the image', ({ spec }) => spec.containers[0]?.image === 'b' && spec.activeDeadlineSeconds === 3600)
    await change({ spec: { ephemeralContainers: [{ name: 'debug', image: 'd' }] } }, 'ephemeralcontainers')
    await shown('the debug container', ({ spec }) => spec.ephemeralContainers?.[0]?.name === 'debug')

    const limit = { type: 'Container', max: { cpu: '250m' } }
    const limitRange = { metadata: { namespace, name: 'small' }, spec: { limits: [limit] } } as KubeObject
    unwrap(await leaf.client.create(limitRanges, limitRange))
    const larger = { requests: { cpu: '300m' }, limits: { cpu: '300m' } }
    // The API server hears of it a moment later, and a resize that it lets through is refused no more.
    const probe = {
      ...manifest({ containers: [{ name: 'a', image: 'a', resources: larger }] }),
      metadata: { namespace, name: 'probe' },
    }
    await eventually('it is in force', async () => !(await leaf.client.create(pods, probe, { dryRun: true })).ok)
    await eventually('the leaf refuses', async () => {
      await change({ spec: { containers: [{ name: 'a', resources: larger }] } }, 'resize')
      return pair.told.includes(`${name} ChangeRefusedByLeaf`)
    })
    await setStatus(leaf.client, running)
    await phase('Running')
    await leaf.client.delete(limitRanges, { namespace, name: 'small' })
    const last = await shown('the resources', ({ spec }) => spec.containers[0]?.resources?.requests?.cpu === '300m')
    assert.equal(last.metadata.annotations?.['cni.example/ip'], '10.0.0.1')
  })

  it('tolerate what the root pod comes to tolerate when their virtual node is one leaf node, beside what the leaf gave them', async () => {
    pair.life.home = { kind: 'node', leafNode: 'worker' }
    const [first, ofTheLeaf, later] = ['first', 'of-the-leaf', 'later'].map((key) => ({ key, operator: 'Exists' }))
    const pod = await create({ tolerations: [first] } as Partial<PodSpec>)
    const add = async (client: Client, toleration: object | undefined) => {
      const tolerations = [...((await client.get(pods, ref()))?.spec.tolerations ?? []), toleration]
      unwrap(await client.patch(pods, ref(), { spec: { tolerations } }, { type: 'strategic' }))
    }
    await eventually('its copy', inLeaf)
    await add(leaf.client, ofTheLeaf)
    await add(root.client, later)
    await eventually('all are there', async () => {
      const keys = (await inLeaf())?.spec.tolerations?.map(({ key }) => key) ?? []
      return ['first', 'of-the-leaf', 'later'].every((key) => keys.includes(key))
    })
    assert.equal((await inLeaf())?.metadata.annotations?.[rootUidAnnotation], pod.metadata.uid)
    assert(!pair.told.includes(`${name} ChangeRefusedByLeaf`))
  })

  it('bear the loss of their leaf node as long as the root pod comes to say, also as long as by default', async () => {
    const bearing = (...seconds: (number | undefined)[]) =>
      ['not-ready', 'unreachable'].map((way, i) => ({
        key: `node.kubernetes.io/${way}`,
        operator: 'Exists',
        effect: 'NoExecute',
        ...(seconds[i] !== undefined && { tolerationSeconds: seconds[i] }),
      }))
    const copyBears = async (...seconds: (number | undefined)[]) => {
      const expected = bearing(...seconds)
      await eventually(`the copy bears it for ${seconds}`, async () => {
        const tolerations = (await inLeaf())?.spec.tolerations ?? []
        return expected.every((one) => tolerations.some((other) => isDeepStrictEqual(one, other)))
      })
    }
    const pod = await create({ tolerations: bearing(10) } as Partial<PodSpec>)
    await copyBears(10, undefined)
    for (const seconds of [
      [20, 30],
      [undefined, 0],
      [300, 5],
      [300, 300],
    ] as const) {
      const patch = { spec: { tolerations: bearing(...seconds) } }
      unwrap(await root.client.patch(pods, ref(), patch, { type: 'strategic' }))
      await copyBears(...seconds)
    }
    assert.equal((await inLeaf())?.metadata.annotations?.[rootUidAnnotation], pod.metadata.uid)
    assert(!pair.told.includes(`${name} ChangeRefusedByLeaf`))
  })

  it('are resized in place: the root says how far the leaf is with it, by its own generations', async () => {
    const cpu = (amount: string) => ({ requests: { cpu: amount } })
    await copyOf(await create({ containers: [{ name: 'a', image: 'a', resources: cpu('100m') }] }))
    await setStatus(leaf.client, running)
    await phase('Running')
    const resize = { spec: { containers: [{ name: 'a', resources: cpu('200m') }] } }
    const asked = unwrap(await root.client.patch(pods, ref(), resize, { type: 'strategic', subresource: 'resize' }))
    const generation = asked?.metadata.generation
    const copy = await eventually('the copy is to have it', async () => {
      const seen = await inLeaf()
      return seen?.metadata.annotations?.[rootGenerationAnnotation] === String(generation) && seen
    })
    assert.deepEqual(copy.spec.containers[0]?.resources, cpu('200m'))

    /** A kubelet says how far it is, and the root is to say `expected`. */
    const tells = async (conditions: readonly object[], resources: object, expected: readonly object[]) => {
      const { generation: observedGeneration } = copy.metadata
      const state = { ready: true, restartCount: 0, image: 'a', imageID: '' }
      const containerStatuses = [{ name: 'a', ...state, resources }]
      await setStatus(leaf.client, { observedGeneration, conditions, containerStatuses } as PodStatus)
      await eventually('the root says so', async () => {
        const { conditions, containerStatuses, observedGeneration } = (await inRoot())?.status ?? {}
        const resizing = conditions
          ?.filter(({ type }) => type.startsWith('PodResize'))
          .map(({ lastProbeTime: _, lastTransitionTime: __, ...rest }) => rest)
        const said = [resizing, containerStatuses?.[0]?.resources, observedGeneration]
        return isDeepStrictEqual(said, [expected, resources, generation])
      })
    }
    const of = (conditionType: string, rest: object = {}) => ({ type: conditionType, status: 'True', ...rest })
    const deferred = { reason: 'Deferred', message: 'Node did not have enough resource: cpu' }
    const [inLeafsTerms, inRootsTerms] = [copy.metadata, asked?.metadata].map((metadata) =>
      of('PodResizePending', { ...deferred, observedGeneration: metadata?.generation }),
    )
    assert(inLeafsTerms && inRootsTerms)
    await tells([inLeafsTerms], cpu('100m'), [inRootsTerms])
    const over = (conditionType: string) => ({ $patch: 'delete', type: conditionType })
    const inProgress = of('PodResizeInProgress')
    await tells([over('PodResizePending'), inProgress], cpu('100m'), [inProgress])
    await tells([over('PodResizeInProgress')], cpu('200m'), [])
  })

  it('say that the leaf refuses them, or their namespace', async () => {
    const ending = { name: `ending-${count}`, finalizers: ['example.com/keep'] }
    await leaf.client.create(namespaces, { metadata: ending })
    await leaf.client.delete(namespaces, { name: ending.name })
    await root.client.create(namespaces, { metadata: { name: ending.name } })
    await root.client.create(serviceAccounts, { metadata: { namespace: ending.name, name: 'default' } })
    await root.client.create(pods, { ...manifest(), metadata: { namespace: ending.name, name } })
    const pod = await eventually('it says so', async () => {
      const seen = await root.client.get(pods, { namespace: ending.name, name })
      return seen?.status?.reason === 'RefusedByLeaf' && seen
    })
    assert.match(pod.status?.message ?? '', /cluster east .*being terminated/)
  })

  it('get a namespace of their own in the leaf, marked as ours', async () => {
    const own = `own-${count}`
    await root.client.create(namespaces, { metadata: { name: own } })
    await root.client.create(serviceAccounts, { metadata: { namespace: own, name: 'default' } })
    await root.client.create(pods, { ...manifest(), metadata: { namespace: own, name } })
    const made = await eventually('the namespace', () => leaf.client.get(namespaces, { name: own }))
    assert.equal(made.metadata.labels?.[rootClusterLabel], 'root-1')
    // The ServiceAccount that the leaf's own controllers make comes a little later.
    await leaf.client.create(serviceAccounts, { metadata: { namespace: own, name: 'default' } })
    await eventually('the copy', () => leaf.client.get(pods, { namespace: own, name }))
  })

  it('say that a webhook of the leaf does not answer, and come, and change, when it does no more harm', async () => {
    const webhook = (verb: string) =>
      ({
        metadata: { name },
        webhooks: [
          {
            name: 'gone.example.com',
            clientConfig: { url: 'https://127.0.0.1:9/' },
            rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: [verb], resources: ['pods'] }],
            objectSelector: { matchLabels: { guarded: name } },
            sideEffects: 'None',
            admissionReviewVersions: ['v1'],
            timeoutSeconds: 1,
          },
        ],
      }) as KubeObject
    const guarded = (as: string, spec: Partial<PodSpec> = {}) =>
      ({ ...manifest(spec), metadata: { namespace, name: as, labels: { guarded: name } } }) as KubeObject
    unwrap(await leaf.client.create(validatingWebhooks, webhook('CREATE')))
    // The API server hears of it a moment later.
    let i = 0
    await eventually('it is in force', async () => {
      return !(await leaf.client.create(pods, guarded(`${name}-probe-${i++}`, { nodeName: 'worker' }))).ok
    })
    const pod = unwrap(await root.client.create(pods, guarded(name))) as Pod
    assert.match((await waits('RefusedByLeaf')).status?.message ?? '', /cluster east .*failed calling webhook "gone/)
    assert(pair.told.includes(`${name} RefusedByLeaf`))
    await leaf.client.delete(validatingWebhooks, { name })
    const copy = await copyOf(pod)
    unwrap(await leaf.client.create(validatingWebhooks, webhook('UPDATE')))
    for (i = 0; !pair.told.includes(`${name} ChangeRefusedByLeaf`); i++) {
      const annotations = { round: `${i}` }
      unwrap(await root.client.patch(pods, ref(), { metadata: { annotations } }, { type: 'merge' }))
      await sleep(200)
    }
    await leaf.client.delete(validatingWebhooks, { name })
    const last = (await inRoot())?.metadata.annotations?.round
    await eventually('it has changed', async () => (await inLeaf())?.metadata.annotations?.round === last)
    assert.equal((await inLeaf())?.metadata.uid, copy.metadata.uid)
  })

  it('say so when their namespace does not get its ServiceAccount in the leaf, and come when it has', async () => {
    const bare = `bare-${count}`
    for (const { client } of [root, leaf]) await client.create(namespaces, { metadata: { name: bare } })
    await root.client.create(serviceAccounts, { metadata: { namespace: bare, name: 'default' } })
    await root.client.create(pods, { ...manifest(), metadata: { namespace: bare, name } })
    await eventually('it is told', async () => {
      const seen = await root.client.get(pods, { namespace: bare, name })
      return /service account bare-\d+\/default/.test(seen?.status?.message ?? '')
    })
    await leaf.client.create(serviceAccounts, { metadata: { namespace: bare, name: 'default' } })
    await eventually('the copy', () => leaf.client.get(pods, { namespace: bare, name }))
  })

  it('are the same after a restart, and what went on meanwhile is made good', async () => {
    const copy = await copyOf(await create())
    const orphan = `${name}-orphan`
    const lost = await root.client.create(pods, { ...manifest(), metadata: { namespace, name: orphan } })
    await copyOf(unwrap(lost) as Pod)
    await pair.end()
    await root.client.delete(pods, { namespace, name: orphan }, { gracePeriodSeconds: 0 })
    await setStatus(leaf.client, running)
    pair = startPods(root.client, leaf.client)
    await phase('Running')
    await eventually('the orphan is asked to stop', async () => {
      return (await leaf.client.get(pods, { namespace, name: orphan }))?.metadata.deletionTimestamp
    })
    const now = await inLeaf()
    assert.equal(now?.metadata.uid, copy.metadata.uid)
    assert.equal(now?.metadata.deletionTimestamp, undefined)
    assert(!pair.told.includes(`${name} CreatedInLeaf`))
  })
})

describe('a root whose Kubernetes does not know a field that the leaf’s pods have', () => {
  let root: LiveCluster
  let leaf: LiveCluster
  let pair: ReturnType<typeof startPods>
  const ref = { namespace, name: 'newer' }

  before(async () => {
    // Of two versions of Kubernetes one would drop a field as this switch makes it.
    const older = { 'feature-gates': 'ResourceHealthStatus=false,ResourceHealthStatusMessage=false' }
    ;[root, leaf] = await Promise.all([startCluster('root', older), startCluster('leaf')])
    for (const { client } of [root, leaf]) {
      await client.create(namespaces, { metadata: { name: namespace } })
      await client.create(serviceAccounts, { metadata: { namespace, name: 'default' } })
    }
    pair = startPods(root.client, leaf.client)
  })
  after(async () => {
    await pair?.end()
    await Promise.all([root?.end(), leaf?.end()])
  })

  it('has the rest of their status, is not written again and again, and goes on to have its changes carried', async () => {
    const resources = { requests: { 'example.com/gpu': '1' }, limits: { 'example.com/gpu': '1' } }
    const spec = { nodeName, containers: [{ name: 'a', image: 'a', resources }] }
    unwrap(await root.client.create(pods, { metadata: ref, spec } as KubeObject))
    await eventually('its copy', () => leaf.client.get(pods, ref))
    const allocatedResourcesStatus = [
      { name: 'example.com/gpu', resources: [{ resourceID: 'gpu-0', health: 'Healthy' }] },
    ]
    const state = { running: { startedAt: '2026-01-01T00:00:00Z' } }
    const main = { name: 'a', image: 'a', imageID: 'i', ready: true, restartCount: 0, state, lastState: {} }
    const status = { phase: 'Running', containerStatuses: [{ ...main, allocatedResourcesStatus }] }
    unwrap(await leaf.client.patch(pods, ref, { status }, { type: 'strategic', subresource: 'status' }))
    const has = async (client: Client) => {
      const [first] = (await client.get(pods, ref))?.status?.containerStatuses ?? []
      return (first as { allocatedResourcesStatus?: object } | undefined)?.allocatedResourcesStatus !== undefined
    }
    const shown = await eventually('the rest of it', async () => {
      const seen = await root.client.get(pods, ref)
      return seen?.status?.containerStatuses?.[0]?.ready && seen
    })
    assert.deepEqual([await has(root.client), await has(leaf.client)], [false, true], 'only one of them knows it')
    const key = `${namespace}/${ref.name}`
    const looks = await eventually('it has come to rest', async () => {
      const before = pair.looks.get(key)
      await sleep(3_000)
      return pair.looks.get(key) === before && before
    })
    await sleep(7_000)
    assert.equal(pair.looks.get(key), looks, 'nobody looks at it any more')
    assert.equal((await root.client.get(pods, ref))?.metadata.resourceVersion, shown.metadata.resourceVersion)
    await root.client.patch(pods, ref, { metadata: { labels: { tier: 'front' } } }, { type: 'merge' })
    await eventually('what is changed in the root comes to the copy', async () => {
      return (await leaf.client.get(pods, ref))?.metadata.labels?.tier === 'front'
    })
  })
})
