import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import {
  formatResources,
  type KubeObject,
  namespaces,
  type Pod,
  podRequests,
  pods,
  type Resource,
  serviceAccounts,
} from '@kosmos/kube'
import { liveClusters } from '../../live.fixture.ts'
import { type Admission, admitted, readAdmission } from './admitted.ts'
import { priorityClasses } from './priority.ts'
import { limitRanges } from './requests.ts'
import { runtimeClasses } from './runtime-class.ts'

/** One with defaults for what its pods request, and one without. */
const spaces = ['shop', 'plain'] as const
const podOf = (spec: object, namespace: string = spaces[0]): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace, name: 'web', uid: '', resourceVersion: '' },
  spec: spec as Pod['spec'],
})
const container = (resources: object, name = 'main') => ({ name, image: 'busybox', resources })
const nothing = container({})

/** What places depend on. */
const read = (pod: Pod) => {
  const { nodeSelector, tolerations, priority, preemptionPolicy } = pod.spec
  // Those that every pod gets at the end say nothing about where it may start.
  const own = tolerations?.filter(({ key = '' }) => !/^node.kubernetes.io\/(not-ready|unreachable)$/.test(key)) ?? []
  const requests = Object.fromEntries(Object.entries(formatResources(podRequests(pod))).sort())
  return {
    nodeSelector,
    tolerations: own,
    priority,
    preemptionPolicy: preemptionPolicy ?? 'PreemptLowerPriority',
    requests,
  }
}

describe('a pod that is simulated', () => {
  const { root } = liveClusters(['root'])
  const admissions = new Map<string, Admission>()
  const created = async (kind: Resource<KubeObject>, object: object) => {
    const outcome = await root.client.create(kind, object as KubeObject)
    assert(outcome.ok || outcome.reason === 'AlreadyExists', JSON.stringify(outcome))
  }
  const stored = async ({ apiVersion, kind, metadata: { namespace, name }, spec }: Pod) => {
    const object = { apiVersion, kind, metadata: { namespace, name }, spec } as unknown as Pod
    return await root.client.create(pods, object, { dryRun: true })
  }

  before(async () => {
    for (const name of spaces) {
      await created(namespaces, { metadata: { name } })
      await created(serviceAccounts, { metadata: { namespace: name, name: 'default' } })
    }
    const limits = [
      [
        { type: 'Container', default: { cpu: '2' }, defaultRequest: { cpu: '700m', memory: '64Mi' } },
        { type: 'Pod', max: { cpu: '90' } },
      ],
      [{ type: 'Container', max: { 'ephemeral-storage': '5Gi' } }],
    ]
    for (const [i, own] of limits.entries()) {
      await created(limitRanges, { metadata: { namespace: spaces[0], name: `limits-${i}` }, spec: { limits: own } })
    }
    await created(runtimeClasses, {
      metadata: { name: 'sandboxed' },
      handler: 'kata',
      overhead: { podFixed: { cpu: '250m', memory: '120Mi' } },
      scheduling: { nodeSelector: { sandbox: 'yes' }, tolerations: [{ key: 'sandbox', operator: 'Exists' }] },
    })
    await created(runtimeClasses, { metadata: { name: 'plain' }, handler: 'runc' })
    await created(priorityClasses, { metadata: { name: 'high' }, value: 1000, preemptionPolicy: 'Never' })
    for (const name of spaces) admissions.set(name, await readAdmission(root.client, name))
  })

  const specs: Record<string, object> = {
    nothing: { containers: [nothing] },
    'requests of its own': { containers: [container({ requests: { cpu: '2', memory: '1Gi' } })] },
    'limits only': { containers: [container({ limits: { cpu: '1500m', memory: '2Gi' } })] },
    'limits and some requests': {
      containers: [container({ limits: { cpu: '1', memory: '2Gi' }, requests: { cpu: '1m' } })],
    },
    'several containers': {
      initContainers: [container({ limits: { cpu: '2' } }, 'init')],
      containers: [nothing, container({ requests: { memory: '3Gi' } }, 'side')],
    },
    'devices by limits': { containers: [container({ limits: { 'example.org/gpu': '2' } })] },
    'limits of the pod as a whole': { resources: { limits: { cpu: '4', memory: '4Gi' } }, containers: [nothing] },
    'limits of the pod, and of a container': {
      resources: { limits: { cpu: '4', memory: '4Gi' } },
      containers: [container({ limits: { cpu: '2' } })],
    },
    'a class of runtime with overhead and nodes': { runtimeClassName: 'sandboxed', containers: [nothing] },
    'the same, and selectors of its own': {
      runtimeClassName: 'sandboxed',
      nodeSelector: { disk: 'ssd', sandbox: 'yes' },
      tolerations: [{ key: 'disk', operator: 'Exists' }],
      containers: [nothing],
    },
    'a class of runtime without': { runtimeClassName: 'plain', containers: [nothing] },
    'a class of priority': { priorityClassName: 'high', containers: [nothing] },
  }
  for (const [what, spec] of Object.entries(specs)) {
    it(`with ${what} is the pod that the API server makes of it`, async () => {
      for (const [namespace, admission] of admissions) {
        const outcome = await stored(podOf(spec, namespace))
        assert(outcome.ok, JSON.stringify(outcome))
        assert.deepEqual([namespace, read(admitted(podOf(spec), admission))], [namespace, read(outcome.object)])
      }
    })
  }

  it('is refused where the API server refuses it', async () => {
    for (const spec of [
      { runtimeClassName: 'none', containers: [nothing] },
      { runtimeClassName: 'sandboxed', nodeSelector: { sandbox: 'no' }, containers: [nothing] },
      { priorityClassName: 'none', containers: [nothing] },
    ]) {
      const outcome = await stored(podOf(spec)).catch((error: Error) => ({ ok: false, error }))
      assert.equal(outcome.ok, false)
      const [admission = assert.fail()] = admissions.values()
      assert.throws(() => admitted(podOf(spec), admission), /the root (has no|would refuse)|would refuse/)
    }
  })
})
