import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { explainPod } from '@kosmos/kosmosctl'
import { type Pod, pods, resource } from '@kosmos/kube'
import { deployment, pod } from '../platform/manifests.ts'
import { eventually, type Platform, startPlatform } from '../platform/platform.ts'

const namespace = 'default'
const distributionPolicies = resource('kosmos.io/v1alpha1', 'DistributionPolicy', 'distributionpolicies', 'Namespaced')

/** Terms as the original's users write them. */
const policyTerms = [
  { name: 'on-host', nodeType: 'host' },
  { name: 'in-leaf', nodeType: 'leaf' },
  { name: 'anywhere', nodeType: 'mix' },
  { name: 'leaf2-only', nodeType: 'adv', advancedTerm: { nodeSelector: { 'kosmos.io/cluster': 'leaf2' } } },
  { name: 'leaf1-node', nodeType: 'adv', advancedTerm: { nodeName: 'kosmos-leaf1' } },
  {
    name: 'reserved',
    nodeType: 'adv',
    advancedTerm: {
      nodeSelector: { reserved: 'yes' },
      tolerations: [{ key: 'reserved', operator: 'Equal', value: 'yes', effect: 'NoSchedule' }],
    },
  },
]
const policy = (name: string, resourceSelectors: object[]) => ({
  apiVersion: 'kosmos.io/v1alpha1',
  kind: 'DistributionPolicy',
  metadata: { namespace, name },
  spec: { resourceSelectors, policyTerms },
})
const clusterPolicy = (name: string, resourceSelectors: object[]) => ({
  apiVersion: 'kosmos.io/v1alpha1',
  kind: 'ClusterDistributionPolicy',
  metadata: { name },
  spec: { resourceSelectors, policyTerms },
})
/** Nothing in the pods themselves speaks of clusters. */
const plain = { spec: { tolerations: [] } }

describe('pods of a root with nodes of its own and leaves', () => {
  let platform: Platform
  const kubectl = async (...args: string[]) => {
    const { code, stdout, stderr } = await platform.kubectl(args)
    assert.equal(code, 0, stderr)
    return stdout.trim()
  }
  const nodesOf = async (app: string) => {
    const all = await platform.root.listAll(pods, { namespace, labelSelector: `app=${app}` })
    return [...new Set(all.map(({ spec }) => spec.nodeName ?? 'none'))].sort()
  }
  /** Runs where it should, and nowhere else, with all of its pods. */
  const runsOn = async (app: string, wanted: RegExp, replicas = 2) => {
    await eventually(`${app} runs`, async () => {
      const all = await platform.root.listAll(pods, { namespace, labelSelector: `app=${app}` })
      return all.length === replicas && all.every(({ status }) => status?.phase === 'Running')
    })
    for (const node of await nodesOf(app)) assert.match(node, wanted)
  }

  before(async () => {
    platform = await startPlatform('distribution', { leaves: 2, nodes: 'kwok:2', rootNodes: 'kwok:2', scheduler: true })
  })
  afterEach(async () => {
    await kubectl('delete', 'distributionpolicy,clusterdistributionpolicy', '--all', '-A', '--wait=true')
    // In the foreground: what a ReplicaSet makes while it goes would come into the next test.
    await kubectl('delete', 'deployment', '--all', '--cascade=foreground', '--wait=true')
    await kubectl('delete', 'pod', '--all', '--wait=true')
  })
  after(() => platform?.down())

  it('go by the policy that names them, their prefix or their labels, the nearest first', async () => {
    await platform.apply(
      policy('story', [
        { policyName: 'on-host', labelSelector: { matchLabels: { tier: 'front' } } },
        { policyName: 'in-leaf', namePrefix: 'shop-' },
        { policyName: 'leaf2-only', name: 'shop-one' },
      ]),
    )
    // An API server hears of a policy a moment after it is stored, and lets pods through until then.
    await eventually('its pods are held', async () => {
      const tried = await platform.root.create<Pod>(pods, pod('shop-one', plain) as object, { dryRun: true })
      return tried.ok && tried.object.spec.schedulingGates
    })
    const front = deployment('front', 2, plain)
    const labels = { app: 'front', tier: 'front' }
    const template = { ...front.spec.template, metadata: { labels } }
    await platform.apply(
      pod('shop-one', plain),
      deployment('shop-web', 3, plain),
      { ...front, spec: { ...front.spec, template } },
      deployment('other', 2, plain),
    )
    await runsOn('shop-one', /^kosmos-leaf2$/, 1)
    await runsOn('shop-web', /^kosmos-leaf[12]$/, 3)
    await runsOn('front', /^kwok-/)
    // The taint of virtual nodes keeps pods off that nothing is said about.
    await runsOn('other', /^kwok-/)
    const annotation = await kubectl('get', 'pod', 'shop-one', '-o', 'jsonpath={.metadata.annotations}')
    assert.match(annotation, /DistributionPolicy default\/story, term leaf2-only/)
  })

  it('go by what is said for the whole root, unless their namespace says otherwise', async () => {
    await platform.apply(
      clusterPolicy('all-in-leaves', [{ policyName: 'in-leaf' }]),
      policy('own', [{ policyName: 'on-host', namePrefix: 'own-' }]),
    )
    await platform.apply(deployment('any', 2, plain), deployment('own-web', 2, plain))
    await runsOn('any', /^kosmos-leaf[12]$/)
    await runsOn('own-web', /^kwok-/)
    const stored = await kubectl('get', 'pods', '-l', 'app=any', '-o', 'jsonpath={.items[0].metadata.annotations}')
    assert.match(stored, /ClusterDistributionPolicy all-in-leaves/)
  })

  it('go where the stories of the original have them, by its manifests: name, prefix and labels, in a namespace and for the whole root', async () => {
    const nodeTypes = ['host', 'leaf', 'mix'].map((name) => ({ name, nodeType: name }))
    const adv = { name: 'adv', nodeType: 'adv', advancedTerm: { nodeSelector: { advNode: 'true' } } }
    const [own, other] = ['test-name-scope', 'test-namespace-scope']
    const labelled = (value: string) => ({ 'example-distribution-policy': value })
    const story = (kind: string, metadata: object, resourceSelectors: object[]) => ({
      apiVersion: 'kosmos.io/v1alpha1',
      kind,
      metadata,
      spec: { resourceSelectors, policyTerms: [...nodeTypes, adv] },
    })
    await platform.apply(...[own, other].map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })))
    await platform.apply(
      story('DistributionPolicy', { namespace: own, name: 'kosmos-namespace-distribution-policy' }, [
        { policyName: 'leaf', name: 'nginx' },
        { policyName: 'host', namePrefix: 'nginx-prefix' },
        { policyName: 'mix', labelSelector: { matchLabels: labelled('nginx') } },
      ]),
      story('ClusterDistributionPolicy', { name: 'kosmos-cluster-distribution-policy' }, [
        { policyName: 'mix', name: 'cluster-nginx' },
        { policyName: 'host', namePrefix: 'cluster-nginx-prefix' },
        { policyName: 'leaf', labelSelector: { matchLabels: labelled('cluster-nginx') } },
        { policyName: 'adv', name: 'cluster-nginx-adv' },
      ]),
    )
    await kubectl('label', 'node', 'kwok-1', 'advNode=true')
    const inOwn = { ...plain, namespace: own }
    const inOther = { ...plain, namespace: other }
    const deployed = (name: string, label: string, parts: typeof inOwn) => {
      const { spec, ...rest } = deployment(name, 3, parts)
      const labels = { app: name, ...labelled(label) }
      return { ...rest, spec: { ...spec, template: { ...spec.template, metadata: { labels } } } }
    }
    await platform.apply(
      ...['nginx', 'nginx-prefix-01'].map((name) => pod(name, inOwn)),
      ...['cluster-nginx', 'cluster-nginx-prefix-01', 'cluster-nginx-adv'].map((name) => pod(name, inOther)),
      deployed('nginx-test-name-label-scope', 'nginx', inOwn),
      deployed('cluster-label-scope', 'cluster-nginx', inOther),
    )
    const by = {
      own: `DistributionPolicy ${own}/kosmos-namespace-distribution-policy`,
      all: 'ClusterDistributionPolicy kosmos-cluster-distribution-policy',
    }
    for (const [namespace, app, count, nodes, term] of [
      [own, 'nginx', 1, /^kosmos-/, `${by.own}, term leaf`],
      [own, 'nginx-prefix-01', 1, /^kwok-/, `${by.own}, term host`],
      [own, 'nginx-test-name-label-scope', 3, /^(kwok|kosmos)-/, `${by.own}, term mix`],
      [other, 'cluster-nginx', 1, /^(kwok|kosmos)-/, `${by.all}, term mix`],
      [other, 'cluster-nginx-prefix-01', 1, /^kwok-/, `${by.all}, term host`],
      [other, 'cluster-label-scope', 3, /^kosmos-/, `${by.all}, term leaf`],
      [other, 'cluster-nginx-adv', 1, /^kwok-1$/, `${by.all}, term adv`],
    ] as const) {
      const found = await eventually(`${app} runs`, async () => {
        const all = await platform.root.listAll(pods, { namespace, labelSelector: `app=${app}` })
        return all.length === count && all.every(({ status }) => status?.phase === 'Running') && all
      })
      for (const { metadata, spec } of found) {
        assert.match(spec.nodeName ?? '', nodes, app)
        assert.equal(metadata.annotations?.['kosmos.io/distribution-policy'], term, app)
      }
    }
    await kubectl('label', 'node', 'kwok-1', 'advNode-')
    await kubectl('delete', 'namespace', own, other)
  })

  it('are on one node or on tolerated ones by an advanced term', async () => {
    await kubectl('label', 'node', 'kwok-1', 'reserved=yes')
    await kubectl('taint', 'node', 'kwok-1', 'reserved=yes:NoSchedule')
    try {
      await platform.apply(
        policy('advanced', [
          { policyName: 'leaf1-node', namePrefix: 'one-' },
          { policyName: 'reserved', namePrefix: 'res-' },
        ]),
      )
      await platform.apply(deployment('one-web', 2, plain), deployment('res-web', 2, plain))
      await runsOn('one-web', /^kosmos-leaf1$/)
      await runsOn('res-web', /^kwok-1$/)
    } finally {
      await kubectl('taint', 'node', 'kwok-1', 'reserved-')
      await kubectl('label', 'node', 'kwok-1', 'reserved-')
    }
  })

  it('have shares of the leaves as well, and burst from their own nodes by mix', async () => {
    const shares = {
      apiVersion: 'kosmos.io/v1alpha1',
      kind: 'WorkloadPolicy',
      metadata: { namespace, name: 'shared' },
      spec: {
        topologyKey: 'kosmos.io/cluster',
        workload: { kind: 'Deployment', name: 'shared' },
        allocationPolicy: ['leaf1', 'leaf2'].map((name) => ({ name, weight: 1 })),
      },
    }
    await platform.apply(shares, policy('shared', [{ policyName: 'anywhere', namePrefix: 'shared-' }]))
    await platform.apply(deployment('shared', 4, plain))
    await runsOn('shared', /^kosmos-leaf[12]$/, 4)
    assert.deepEqual(await nodesOf('shared'), ['kosmos-leaf1', 'kosmos-leaf2'])
  })

  it('wait, gated, while the scheduler is away, and their policy says who contests it', async () => {
    await platform.apply(policy('first', [{ policyName: 'in-leaf', namePrefix: 'gone-' }]))
    // Of one second they would be told apart by name.
    await eventually('it has a status', async () =>
      (await kubectl('get', 'distributionpolicy', 'first', '-o', 'wide')).includes('AsWritten'),
    )
    await platform.apply(policy('second', [{ policyName: 'on-host', namePrefix: 'gone-' }]))
    await eventually('the second says so', async () => {
      const found = await platform.root.get(distributionPolicies, { namespace, name: 'second' })
      const [condition] =
        (found as { status?: { conditions: { reason: string; message: string }[] } }).status?.conditions ?? []
      return condition?.reason === 'Contested' && condition.message.endsWith('default/first')
    })
    await platform.killScheduler()
    await platform.apply(deployment('gone-web', 2, plain), pod('free', plain))
    await runsOn('free', /^kwok-/, 1)
    await eventually('they are there', async () => (await nodesOf('gone-web')).length > 0)
    assert.deepEqual(await nodesOf('gone-web'), ['none'])
    const [waiting] = await platform.root.listAll(pods, { namespace, labelSelector: 'app=gone-web' })
    const { waitsFor } = await explainPod(platform.root, { namespace, name: waiting?.metadata.name ?? '' })
    assert.match(waitsFor.join(), /by DistributionPolicy default\/first, term in-leaf/)
    await platform.startScheduler()
    await runsOn('gone-web', /^kosmos-leaf[12]$/)
  })
})
