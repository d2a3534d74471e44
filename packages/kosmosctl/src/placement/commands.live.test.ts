import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  type KubeObject,
  namespaces,
  nodes,
  type Pod,
  pods,
  type Resource,
  resource,
  serviceAccounts,
} from '@kosmos/kube'
import { workloadPolicies } from '@kosmos/scheduler'
import { installDefinitions } from '../install/definitions.ts'
import { startCluster, stopCluster, type TestCluster } from '../live.fixture.ts'
import { limitRanges } from './requests.ts'

const main = fileURLToPath(new URL('../main.ts', import.meta.url))
const deployments = resource('apps/v1', 'Deployment', 'deployments', 'Namespaced')
const namespace = 'shop'

const workload = (name: string, spec: object = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { namespace, name },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { tolerations: [{ operator: 'Exists' }], containers: [{ name: 'main', image: 'busybox' }], ...spec },
    },
  },
})
const policyOf = (name: string) => ({
  apiVersion: 'kosmos.io/v1alpha1',
  kind: 'WorkloadPolicy',
  metadata: { namespace, name },
  spec: {
    workload: { kind: 'Deployment', name },
    topologyKey: 'kosmos.io/cluster',
    allocationType: 'Required',
    whenUnavailable: 'Spill',
    allocationPolicy: [
      { name: 'leaf1', replicas: 1 },
      { name: 'leaf2', replicas: 1 },
    ],
  },
})
const hostOnly = {
  apiVersion: 'kosmos.io/v1alpha1',
  kind: 'ClusterDistributionPolicy',
  metadata: { name: 'own' },
  spec: {
    resourceSelectors: [{ policyName: 'own', namePrefix: 'web' }],
    policyTerms: [{ name: 'own', nodeType: 'host' }],
  },
}

/** A root with two virtual nodes and one of its own, and nothing that schedules. */
describe('kosmosctl simulate and explain', () => {
  let root: TestCluster
  const created = async (kind: Resource<KubeObject>, object: object) => {
    const outcome = await root.client.create(kind, object as KubeObject)
    assert(outcome.ok || outcome.reason === 'AlreadyExists', JSON.stringify(outcome))
  }
  const kosmosctl = async (args: readonly string[], ...manifest: object[]) => {
    const child = spawn(process.execPath, [main, ...args, '--kubeconfig', root.plane.kubeconfig, '-n', namespace])
    child.stdin.end(manifest.map((one) => JSON.stringify(one)).join('\n---\n'))
    const [stdout, stderr, code] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      new Promise((resolve) => child.once('exit', resolve)),
    ])
    return { code, stdout, stderr }
  }
  const json = async (args: readonly string[], ...manifest: object[]) => {
    const { code, stdout, stderr } = await kosmosctl([...args, '-o', 'json'], ...manifest)
    assert.equal(code, 0, stderr)
    return JSON.parse(stdout)
  }
  const node = async (name: string, labels: Record<string, string>) => {
    const condition = { type: 'Ready', status: 'True', reason: 'Test', message: '' }
    const conditions = [{ ...condition, lastHeartbeatTime: null, lastTransitionTime: null }]
    const amounts = { cpu: '2', memory: '8Gi', pods: '10' }
    await created(nodes, {
      metadata: { name, labels },
      status: { capacity: amounts, allocatable: amounts, conditions },
    })
  }

  before(async () => {
    root = await startCluster('placement-commands')
    await installDefinitions(root.client)
    await created(namespaces, { metadata: { name: namespace, labels: { 'kosmos.io/placement': 'best-fit' } } })
    await created(serviceAccounts, { metadata: { namespace, name: 'default' } })
    for (const leaf of ['leaf1', 'leaf2']) {
      await node(`kosmos-${leaf}`, { 'kosmos.io/cluster': leaf, 'kosmos.io/node': 'true' })
    }
    await node('worker', {})
    await created(limitRanges, {
      metadata: { namespace, name: 'defaults' },
      spec: { limits: [{ type: 'Container', defaultRequest: { cpu: '1' } }] },
    })
  })
  after(() => root && stopCluster(root))

  it('simulate in JSON what becomes of the pods, by policies of the manifest and what the root makes of pods', async () => {
    const shared = await json(['simulate', '-f', '-'], workload('web'), policyOf('web'))
    assert.deepEqual([shared.workload, shared.replicas, shared.policy], ['Deployment shop/web', 3, 'web'])
    assert.deepEqual(
      shared.outcomes.map(({ pods, value }: Record<string, unknown>) => [pods, value]),
      [
        [1, 'leaf1'],
        [1, 'leaf2'],
        [1, undefined],
      ],
    )
    // Two of one core each fill the only node that the policy allows; without the LimitRange all three would have room.
    const own = await json(['simulate', '-f', '-'], workload('web'), hostOnly)
    assert.deepEqual(
      own.outcomes.map(({ pods, node, what }: Record<string, unknown>) => [
        pods,
        node,
        /own, term own/.test(`${what}`),
      ]),
      [
        [2, 'worker', true],
        [1, undefined, true],
      ],
    )
    assert.deepEqual(
      own.candidates.map(({ node }: Record<string, unknown>) => node),
      ['worker'],
    )
    const table = await kosmosctl(
      ['simulate', '-f', '-', '--replicas', '1', '--without', 'leaf1'],
      workload('web'),
      policyOf('web'),
    )
    assert.equal(table.code, 0)
    assert.match(
      table.stdout,
      /^Deployment shop\/web, 1 pods: placed by WorkloadPolicy web\n\nPODS +VALUE +EACH\n1 +leaf2 /,
    )
  })

  it('explain in JSON a pod of a node of the root itself: who placed it, and what is against each other node', async () => {
    const spec = {
      nodeName: 'worker',
      containers: [{ name: 'main', image: 'busybox' }],
      nodeSelector: { here: 'only' },
    }
    await created(pods, { metadata: { namespace, name: 'bound' }, spec })
    const { pod, node, placedBy, candidates, objections, waitsFor } = await json(['explain', 'pod', 'bound'])
    assert.deepEqual([pod.name, node, candidates, waitsFor], ['bound', 'worker', [], []])
    assert.match(placedBy.join(), /nothing of Kosmos/)
    assert.deepEqual(
      objections.map(({ node, rule }: Record<string, unknown>) => [node, rule]).sort(),
      ['kosmos-leaf1', 'kosmos-leaf2', 'worker'].map((name) => [name, 'selector']),
    )
    const { stdout } = await kosmosctl(['explain', 'pod', 'bound'])
    assert.match(stdout, /on worker, a node of the root itself/)
    assert.match(stdout, /NOT ON +SINCE\n(.*\n)*kosmos-leaf2 +node selector or affinity of the pod are for others/)
  })

  it('explain in JSON a workload, and a pod of it that is at the gate of somebody else as well', async () => {
    await created(workloadPolicies, policyOf('db'))
    const gates = [{ name: 'kosmos.io/placement' }, { name: 'example.org/quota' }]
    await created(deployments, { ...workload('db', { schedulingGates: gates }) })
    let held: Pod[] = []
    while (held.length < 3) held = await root.client.listAll(pods, { namespace, labelSelector: 'app=db' })
    const report = await json(['explain', 'workload', 'deployment/db'])
    assert.deepEqual(
      [report.workload, report.policy.name, report.pods, report.atOtherGates, report.waiting],
      ['Deployment shop/db', 'db', 0, 3, []],
    )
    const { waitsFor } = await json(['explain', 'pod', held[0]?.metadata.name ?? ''])
    assert.match(waitsFor.join(), /gates of others.*example\.org\/quota/)
  })

  it('end with 1 and the next step where they cannot say it, and with 2 where they are asked wrongly', async () => {
    const { template, ...spec } = workload('web').spec
    for (const [code, args, manifest, why] of [
      [1, ['simulate', '-f', '/does/not/exist'], [], /cannot be read: ENOENT\nnext: /],
      [1, ['simulate', '-f', '-'], [], /0 workloads.*\nnext: /],
      [1, ['simulate', '-f', '-', '--without', 'leaf9'], [workload('web')], /Cluster "leaf9"\nnext: /],
      [1, ['simulate', '-f', '-'], [{ ...workload('web'), spec }], /no spec.template.spec/],
      [1, ['explain', 'pod', 'none'], [], /no pod shop\/none\nnext: /],
      [1, ['explain', 'workload', 'none'], [], /no workload none.*\nnext: /],
      [2, ['simulate'], [], /--filename/],
      [2, ['simulate', '-f', '-', '--replicas', 'many'], [workload('web')], /replicas/],
      [2, ['simulate', '-f', '-', '-o', 'xml'], [workload('web')], /Allowed choices/],
      [2, ['explain', 'cloud', 'a'], [], /Allowed choices/],
      [2, ['explain', 'pod'], [], /missing required argument/],
    ] as const) {
      const result = await kosmosctl(args, ...manifest)
      assert.deepEqual([args, result.code, result.stdout], [args, code, ''])
      assert.match(result.stderr, why)
    }
    assert(template)
  })
})
