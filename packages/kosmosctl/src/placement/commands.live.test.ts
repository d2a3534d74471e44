import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  customResourceDefinitions,
  type KubeObject,
  leases,
  namespaces,
  nodes,
  type Pod,
  pods,
  type Resource,
  resource,
  serviceAccounts,
} from '@kosmos/kube'
import { workloadPolicies } from '@kosmos/scheduler'
import { mutatingWebhookConfigurations } from '../clusters/resources.ts'
import { installDefinitions } from '../install/definitions.ts'
import { selfContainedKubeconfig } from '../join/credentials.ts'
import { eventually, liveClusters, rightsAreKnown } from '../live.fixture.ts'
import { resourceQuotas } from '../simulate/admission/quota.ts'
import { limitRanges } from '../simulate/admission/requests.ts'

const main = fileURLToPath(new URL('../main.ts', import.meta.url))
const deployments = resource('apps/v1', 'Deployment', 'deployments', 'Namespaced')
const rbac = (kind: string, scope: 'Namespaced' | 'Cluster') =>
  resource('rbac.authorization.k8s.io/v1', kind, `${kind.toLowerCase()}s`, scope)
const roles = rbac('Role', 'Namespaced')
const roleBindings = rbac('RoleBinding', 'Namespaced')
const clusterRoles = rbac('ClusterRole', 'Cluster')
const clusterRoleBindings = rbac('ClusterRoleBinding', 'Cluster')
const namespace = 'shop'

interface Refused {
  readonly conditions?: readonly { readonly type: string }[]
}

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
  const { root } = liveClusters(['root'])
  const created = async (kind: Resource<KubeObject>, object: object) => {
    const outcome = await root.client.create(kind, object as KubeObject)
    assert(outcome.ok || outcome.reason === 'AlreadyExists', JSON.stringify(outcome))
  }
  let kubeconfig: string
  const heartbeats: NodeJS.Timeout[] = []
  const now = () => new Date().toISOString().replace('Z', '000Z')
  const kosmosctl = async (args: readonly string[], ...manifest: object[]) => {
    const child = spawn(process.execPath, [main, ...args, '--kubeconfig', kubeconfig, '-n', namespace])
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
  /** Admission counts by what the controller of quotas has found, and lets everything through until then. */
  const counted = async (ref: { namespace: string; name: string }) => {
    const isCounted = async () => {
      const found = await root.client.get(resourceQuotas, ref)
      return (found as { status?: { used?: object } } | undefined)?.status?.used !== undefined
    }
    await eventually(isCounted, `quota ${ref.name} is counted`)
  }
  /** How many pods of a Deployment are there when one was refused: not before, since others were perhaps still to come. */
  const madeOf = async ({ metadata: { namespace, name } }: ReturnType<typeof workload>) => {
    const isRefused = async () => {
      const { status } = (await root.client.get(deployments, { namespace, name })) as { status?: Refused }
      return status?.conditions?.some(({ type }) => type === 'ReplicaFailure') ?? false
    }
    await eventually(isRefused, `a pod of ${name} is refused`)
    return (await root.client.listAll(pods, { namespace, labelSelector: `app=${name}` })).length
  }
  const node = async (name: string, labels: Record<string, string>) => {
    const condition = { type: 'Ready', status: 'True', reason: 'Test', message: '' }
    const conditions = [{ ...condition, lastHeartbeatTime: null, lastTransitionTime: null }]
    const namespace = 'kube-node-lease'
    const spec = { holderIdentity: name, leaseDurationSeconds: 40, renewTime: now() }
    await created(leases, { metadata: { name, namespace }, spec })
    // As a kubelet does, so that the node stays Ready.
    const renew = () =>
      root.client.patch(leases, { name, namespace }, { spec: { renewTime: now() } }, { type: 'merge' }).catch(() => {})
    heartbeats.push(setInterval(renew, 5_000))
    const amounts = { cpu: '2', memory: '8Gi', pods: '10' }
    await created(nodes, {
      metadata: { name, labels },
      status: { capacity: amounts, allocatable: amounts, conditions },
    })
  }

  before(async () => {
    kubeconfig = root.plane.kubeconfig
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
  after(async () => {
    for (const heartbeat of heartbeats) clearInterval(heartbeat)
  })

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
      /^Deployment shop\/web, 1 pod: placed by WorkloadPolicy web\n\nPODS +VALUE +EACH\n1 +leaf2 /,
    )
  })

  it('explain in JSON a pod of a node of the root itself: who placed it, and what is against each other node', async () => {
    const spec = {
      nodeName: 'worker',
      containers: [{ name: 'main', image: 'busybox' }],
      nodeSelector: { here: 'only' },
    }
    await created(pods, { metadata: { namespace, name: 'bound' }, spec })
    const { pod, node, placedBy, madeAnew, candidates, objections, waitsFor } = await json(['explain', 'pods/bound'])
    assert.match(
      madeAnew,
      /^waits for room, by the label kosmos\.io\/placement of its namespace: no Ready node takes it/,
    )
    assert.deepEqual([pod.name, node, candidates, waitsFor], ['bound', 'worker', [], []])
    assert.match(placedBy.join(), /nothing of Kosmos/)
    assert.deepEqual(
      objections.map(({ node, rule }: Record<string, unknown>) => [node, rule]).sort(),
      ['kosmos-leaf1', 'kosmos-leaf2', 'worker'].map((name) => [name, 'selector']),
    )
    const { stdout } = await kosmosctl(['explain', 'pod', 'bound'])
    assert.match(stdout, /on worker, a node of the root itself/)
    assert.match(stdout, /made anew now, it waits for room/)
    assert.match(stdout, /NOT ON +SINCE\n(.*\n)*kosmos-leaf2 +node selector or affinity of the pod are for others/)
  })

  it('explain a pod of a leaf that cannot be asked: what the root knows, and why the rest is missing', async () => {
    const spec = { nodeName: 'kosmos-leaf1', containers: [{ name: 'main', image: 'busybox' }] }
    await created(pods, { metadata: { namespace, name: 'away' }, spec })
    const { code, stdout, stderr } = await kosmosctl(['explain', 'pod', 'away'])
    assert.equal(code, 0, stderr)
    assert.match(
      stdout,
      /on kosmos-leaf1, cluster leaf1\n(.*\n)*NODE +ROOM(.*\n)*.*could not be read.*\n {2}- cluster leaf1: .*is gone/,
    )
    assert.doesNotMatch(stdout, /no copy/)
    await root.client.delete(pods, { namespace, name: 'away' }, { gracePeriodSeconds: 0 })
  })

  it('explain in JSON a workload, and a pod of it that is at the gate of somebody else as well', async () => {
    await created(workloadPolicies, policyOf('db'))
    const gates = [{ name: 'kosmos.io/placement' }, { name: 'example.org/quota' }]
    await created(deployments, { ...workload('db', { schedulingGates: gates }) })
    let held: Pod[] = []
    while (held.length < 3) held = await root.client.listAll(pods, { namespace, labelSelector: 'app=db' })
    const report = await json(['explain', 'deployment.apps/db'])
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
      [2, ['explain', 'cloud', 'a'], [], /"cloud" is nothing/],
      [2, ['explain', 'pod'], [], /which pod/],
    ] as const) {
      const result = await kosmosctl(args, ...manifest)
      assert.deepEqual([args, result.code, result.stdout], [args, code, ''])
      assert.match(result.stderr, why)
    }
    assert(template)
  })

  it('simulate counts labels of a Namespace beside the workload, and says what a ResourceQuota refuses and who else is asked', async () => {
    const elsewhere = { ...workload('web'), metadata: { namespace: 'new', name: 'web' } }
    const places = async (...more: object[]) =>
      (await json(['simulate', '-f', '-'], elsewhere, ...more)).outcomes.map(
        ({ node }: Record<string, unknown>) => node ?? 'stock',
      )
    assert.deepEqual(await places(), ['stock'])
    const labels = { 'kosmos.io/placement': 'best-fit' }
    assert.deepEqual(await places({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'new', labels } }), [
      'worker',
    ])

    // Of a core each.
    const present = await root.client.listAll(pods, { namespace })
    const quota = {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { namespace, name: 'small' },
      spec: { hard: { 'requests.cpu': `${present.length + 2}` }, scopes: ['NotBestEffort', 'NotTerminating'] },
    }
    const foreseen = (await json(['simulate', '-f', '-'], workload('web'), quota)).outcomes
    await created(resourceQuotas, quota)
    await counted({ namespace, name: 'small' })
    const rule = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }
    const webhook = {
      name: 'pods.example.org',
      clientConfig: { url: 'https://127.0.0.1:1/' },
      rules: [rule],
      objectSelector: { matchLabels: { is: 'asked' } },
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
    }
    await created(mutatingWebhookConfigurations, { metadata: { name: 'injector' }, webhooks: [webhook] })
    const { outcomes, notes } = await json(['simulate', '-f', '-'], workload('web'))
    assert.deepEqual(foreseen, outcomes)
    const { pods: refused, what } = outcomes.at(-1)
    assert.equal(refused, 1)
    assert.match(what, /is not made: ResourceQuota small .*requests\.cpu/)
    assert.match(notes.join(), /webhooks of others.*injector/)
    await created(deployments, workload('quota'))
    assert.equal(await madeOf(workload('quota')), 2)
    await root.client.delete(resourceQuotas, { namespace, name: 'small' })
  })

  it('simulate counts limits as the API server does, those of pods that are there and the default of a LimitRange', async () => {
    const main = { name: 'main', image: 'busybox', resources: { limits: { cpu: '500m' } } }
    const limited = (name: string, replicas = 3) => {
      const { spec, ...rest } = workload(name, { containers: [main, { name: 'other', image: 'busybox' }] })
      return { ...rest, metadata: { namespace: 'limited', name }, spec: { ...spec, replicas } }
    }
    await created(namespaces, { metadata: { name: 'limited' } })
    const inIt = { namespace: 'limited', name: 'limits' }
    await created(limitRanges, { metadata: inIt, spec: { limits: [{ type: 'Container', default: { cpu: '1' } }] } })
    await created(deployments, limited('there', 1))
    const isThere = async () => (await root.client.listAll(pods, { namespace: 'limited' })).length === 1
    await eventually(isThere, 'a pod is there')
    await created(resourceQuotas, { metadata: inIt, spec: { hard: { 'limits.cpu': '4500m' } } })
    await counted(inIt)
    const { outcomes, notes } = await json(['simulate', '-f', '-'], limited('web'))
    const { pods: refused, what } = outcomes.at(-1)
    assert.equal(refused, 1)
    assert.match(what, /is not made: ResourceQuota limits .*limits\.cpu/)
    assert.doesNotMatch(notes.join(), /ResourceQuota/)
    await created(deployments, limited('web'))
    assert.equal(await madeOf(limited('web')), 2)
  })

  it('tell a user of one namespace what they may know, and what they could not read', async () => {
    await created(serviceAccounts, { metadata: { namespace, name: 'dev' } })
    const rules = [
      { apiGroups: ['', 'apps', 'kosmos.io'], resources: ['*'], verbs: ['get', 'list'] },
      { apiGroups: ['batch'], resources: ['jobs'], verbs: ['get'] },
    ]
    await created(roles, { metadata: { namespace, name: 'dev' }, rules })
    const subjects = [{ kind: 'ServiceAccount', namespace, name: 'dev' }]
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'dev' }
    await created(roleBindings, { metadata: { namespace, name: 'dev' }, subjects, roleRef })
    const token = await root.client.createFor<{ status: { token: string } }>(
      serviceAccounts,
      { namespace, name: 'dev' },
      'token',
      {},
    )
    assert(token.ok)
    const endpoint = {
      server: root.plane.server,
      certificateAuthority: Buffer.from(root.plane.ca).toString('base64'),
      tlsServerName: undefined,
      proxyUrl: undefined,
    }
    const folder = await mkdtemp(path.join(os.tmpdir(), 'kosmosctl-'))
    kubeconfig = path.join(folder, 'dev')
    await writeFile(kubeconfig, selfContainedKubeconfig('root', endpoint, token.object.status.token))
    try {
      const bound = await kosmosctl(['explain', 'pod', 'bound'])
      assert.equal(bound.code, 0, bound.stderr)
      assert.match(bound.stdout, /^pod shop\/bound: Pending, on worker\n/)
      assert.match(
        bound.stdout,
        /nothing of Kosmos(.*\n)*waits for nothing that could be read\n(.*\n)*.* nodes: .*forbidden/,
      )
      assert.doesNotMatch(bound.stdout, /NOT ON/)
      const { shares, policy, unread } = await json(['explain', 'deployment.apps/db'])
      assert.deepEqual([shares.length, policy.name], [2, 'db'])
      assert.deepEqual(
        unread.map(({ what }: Record<string, unknown>) => what),
        [
          'workloadpolicies of other namespaces',
          'distributionpolicies of other namespaces',
          'clusterdistributionpolicies',
          'labels of other namespaces',
          'nodes',
          'pods of other namespaces',
        ],
      )
      const waiting = await root.client.listAll(pods, { namespace, labelSelector: 'app=db' })
      const gated = await json(['explain', 'pod', waiting[0]?.metadata.name ?? ''])
      assert.match(gated.waitsFor.join(), /example\.org\/quota/)
      const simulated = await kosmosctl(['simulate', '-f', '-'], workload('web'))
      assert.deepEqual([simulated.code, simulated.stdout], [1, ''])
      assert.match(simulated.stderr, /without the nodes of the root nothing.*forbidden.*\nnext: /)
      await created(clusterRoles, {
        metadata: { name: 'nodes' },
        rules: [{ apiGroups: [''], resources: ['nodes'], verbs: ['list'] }],
      })
      await created(clusterRoleBindings, {
        metadata: { name: 'nodes' },
        subjects,
        roleRef: { ...roleRef, kind: 'ClusterRole', name: 'nodes' },
      })
      await rightsAreKnown(root.client, { namespace, name: 'dev' }, { verb: 'list', resource: 'nodes' }, true)
      const { outcomes, notes } = await json(['simulate', '-f', '-'], workload('web'))
      assert.equal(outcomes[0].node, 'worker')
      for (const what of ['pods of other namespaces', 'priorityclasses', 'mutatingwebhookconfigurations'])
        assert.match(notes.join('\n'), new RegExp(`not counted.*${what}: `))
    } finally {
      kubeconfig = root.plane.kubeconfig
      await rm(folder, { recursive: true })
    }
  })

  it('say the same in a root without the kinds of policies, as far as there is something to say', async () => {
    for (const { metadata } of await root.client.listAll(customResourceDefinitions)) {
      await root.client.delete(customResourceDefinitions, metadata as { name: string })
    }
    while ((await root.client.listAll(customResourceDefinitions)).length > 0);
    const { placedBy, objections, unread } = await json(['explain', 'pods/bound'])
    assert.deepEqual([placedBy.length, objections.length, unread], [1, 3, []])
    assert.deepEqual((await json(['explain', 'deployment.apps/db'])).unread, [])
    const { outcomes } = await json(['simulate', '-f', '-'], workload('web'))
    assert.equal(outcomes[0].node, 'worker')
  })
})
