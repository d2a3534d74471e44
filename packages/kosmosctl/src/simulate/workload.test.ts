import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { dump } from 'js-yaml'
import { podsOf, readManifest, replicasOf } from './workload.ts'

const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: { replicas: 2, template: { metadata: { labels: { app: 'web' } }, spec: { containers: [] } } },
}
const policy = {
  apiVersion: 'kosmos.io/v1alpha1',
  kind: 'WorkloadPolicy',
  metadata: { name: 'web' },
  spec: {
    workload: { kind: 'Deployment', name: 'web' },
    topologyKey: 'kosmos.io/cluster',
    allocationPolicy: [{ name: 'leaf1', weight: 1 }],
  },
}
const yaml = (...objects: object[]) => objects.map((object) => dump(object)).join('---\n')

describe('the manifest of a simulation', () => {
  it('has one workload, and policies with the defaults of the API server', () => {
    const { workload, policies } = readManifest(yaml(deployment, policy), 'shop')
    assert.equal(workload.metadata.name, 'web')
    assert.equal(policies[0]?.metadata.namespace, 'shop')
    assert.equal(policies[0]?.spec.allocationType, 'Preferred')
    const list = readManifest(yaml({ kind: 'List', items: [deployment, policy] }), 'shop')
    assert.equal(list.policies.length, 1)
  })

  it('has policies of distribution, of its namespace and of the whole root', () => {
    const spec = { resourceSelectors: [{ policyName: 'own' }], policyTerms: [{ name: 'own', nodeType: 'host' }] }
    const of = (kind: string) => ({ apiVersion: 'kosmos.io/v1alpha1', kind, metadata: { name: 'own' }, spec })
    const { distributions } = readManifest(
      yaml(deployment, of('DistributionPolicy'), of('ClusterDistributionPolicy')),
      'shop',
    )
    assert.deepEqual(
      distributions.map(({ kind, metadata }) => [kind, 'namespace' in metadata ? metadata.namespace : undefined]),
      [
        ['DistributionPolicy', 'shop'],
        ['ClusterDistributionPolicy', undefined],
      ],
    )
  })

  it('has quotas and limits of the namespace of the workload, with the defaults of the API server, and classes', () => {
    const of = (kind: string, parts: object) => ({ apiVersion: 'v1', kind, metadata: { name: 'own' }, ...parts })
    const limit = { type: 'Container', max: { cpu: '4' }, default: { memory: '2Gi' }, min: { cpu: '1', disk: '1' } }
    const elsewhere = of('ResourceQuota', { metadata: { namespace: 'other', name: 'own' } })
    const objects = [
      of('LimitRange', { spec: { limits: [limit, { type: 'Pod', max: { cpu: '9' } }] } }),
      of('ResourceQuota', { spec: { hard: { pods: '1' } } }),
      of('PriorityClass', { value: 5 }),
      of('RuntimeClass', { handler: 'x' }),
    ]
    const { quotas, ranges, priorities, runtimes } = readManifest(yaml(deployment, elsewhere, ...objects), 'shop')
    assert.deepEqual([quotas.length, priorities.length, runtimes.length], [1, 1, 1])
    assert.deepEqual(quotas[0]?.metadata, { namespace: 'shop', name: 'own' })
    const [container, pod] = ranges[0]?.spec?.limits ?? []
    assert.deepEqual(container?.defaultRequest, { cpu: '4', memory: '2Gi', disk: '1' })
    assert.deepEqual(pod, { type: 'Pod', max: { cpu: '9' } })
  })

  for (const [what, text, message] of [
    ['nothing', '', /0 workloads/],
    ['two workloads', yaml(deployment, deployment), /2 workloads/],
    ['a workload without pods', yaml({ ...deployment, spec: {} }), /no spec.template.spec/],
    ['no YAML', 'a: [', /: the manifest is no YAML: .*\(\d+:\d+\)$/],
    [
      'a policy that the API server refuses',
      yaml(deployment, { ...policy, spec: { ...policy.spec, allocationPolicy: [{ name: 'leaf1' }] } }),
      /WorkloadPolicy web: spec.allocationPolicy\[0\]: .*say either replicas/,
    ],
    ['a quota without a name', yaml(deployment, { kind: 'ResourceQuota' }), /a ResourceQuota has no metadata.name/],
    ['a policy without a name', yaml(deployment, { ...policy, metadata: {} }), /WorkloadPolicy has no metadata.name/],
    [
      'a DistributionPolicy that the API server refuses',
      yaml(deployment, { ...policy, kind: 'DistributionPolicy', spec: { policyTerms: [] } }),
      /DistributionPolicy web: spec/,
    ],
  ] as const) {
    it(`with ${what} is refused with what is wrong`, () => {
      assert.throws(() => readManifest(text, 'shop'), message)
    })
  }

  it('becomes pods as the controllers of the root make them', () => {
    const [pod, other] = podsOf(readManifest(yaml(deployment), 'shop').workload, 'shop', 2)
    assert.deepEqual(pod?.metadata.labels, { app: 'web', 'pod-template-hash': 'simulated' })
    assert.equal(pod?.metadata.ownerReferences?.[0]?.name, 'web-simulated')
    assert.notEqual(pod?.metadata.name, other?.metadata.name)
  })

  it('becomes pods of a StatefulSet with its names, labels and claims, by which policies select them and volumes hold them', () => {
    const set = {
      ...deployment,
      kind: 'StatefulSet',
      spec: { ...deployment.spec, ordinals: { start: 3 }, volumeClaimTemplates: [{ metadata: { name: 'data' } }] },
    }
    const [pod, other] = podsOf(readManifest(yaml(set), 'shop').workload, 'shop', 2)
    assert.deepEqual([pod?.metadata.name, other?.metadata.name], ['web-3', 'web-4'])
    assert.deepEqual(pod?.metadata.labels, {
      app: 'web',
      'statefulset.kubernetes.io/pod-name': 'web-3',
      'apps.kubernetes.io/pod-index': '3',
    })
    assert.deepEqual(pod?.spec.volumes, [{ name: 'data', persistentVolumeClaim: { claimName: 'data-web-3' } }])
  })

  it('becomes pods of a Job with its labels, and no more than are left to complete', () => {
    const job = {
      ...deployment,
      kind: 'Job',
      spec: { parallelism: 10, completions: 4, template: deployment.spec.template },
    }
    const { workload } = readManifest(yaml(job), 'shop')
    assert.equal(replicasOf(workload), 4)
    assert.equal(replicasOf({ ...workload, spec: { template: workload.spec.template, parallelism: 3 } }), 3)
    assert.equal(replicasOf({ ...workload, spec: { template: workload.spec.template } }), 1)
    const [pod] = podsOf(workload, 'shop', 1)
    assert.deepEqual(pod?.metadata.labels, { app: 'web', 'batch.kubernetes.io/job-name': 'web', 'job-name': 'web' })
    assert.equal(pod?.metadata.ownerReferences?.[0]?.name, 'web')
  })
})
