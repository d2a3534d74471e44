import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Pod } from '@kosmos/kube'
import fc from 'fast-check'
import { ctx, type PodParts, rootPod } from '../../fixture.ts'
import { translate } from '../translate.ts'
import type { LeafContext, PodMutation, Translation } from '../translation.ts'
import { refuseDeviceClaims } from './device-claims.ts'
import { resolveDownwardApi } from './downward-api.ts'
import { stampIdentity } from './identity.ts'
import { translatePriority } from './priority.ts'
import { dropRootOnlyFields } from './root-only-fields.ts'
import { constrainToLeaf } from './scheduling.ts'
import { withholdApiAccess } from './service-account.ts'

/** One row alone, on a root pod as it comes. */
function apply(mutate: PodMutation, parts: PodParts, more: Partial<LeafContext> = {}): Translation {
  const root: Pod = rootPod(parts)
  const { name, namespace, labels = {}, annotations = {} } = root.metadata
  const metadata = { name, namespace, labels, annotations }
  const start: Translation = {
    pod: { apiVersion: 'v1', kind: 'Pod', metadata, spec: root.spec },
    omissions: [],
    problems: [],
  }
  return mutate(start, root, { ...ctx, ...more })
}

const specOf = (mutate: PodMutation, spec: PodParts['spec'], metadata: PodParts['metadata'] = {}) =>
  apply(mutate, { metadata, ...(spec && { spec }) }).pod.spec

/** The annotations without the one whose value carriedMetadata tells. */
function identity({ annotations }: Translation['pod']['metadata']) {
  const { 'kosmos.io/root-metadata': carried, ...others } = annotations
  assert.ok(carried?.startsWith('{"hash":"'))
  return others
}

const version = { 'kosmos.io/root-resource-version': '10' }

describe('stampIdentity', () => {
  it('marks the copy with our cluster and the root pod’s uid and generation', () => {
    const { metadata } = apply(stampIdentity, { metadata: { uid: 'u-1', generation: 3, labels: { app: 'web' } } }).pod
    assert.deepEqual(metadata.labels, { app: 'web', 'kosmos-io/pod': 'true', 'kosmos.io/root-cluster': 'root-1' })
    assert.deepEqual(identity(metadata), { 'kosmos.io/root-uid': 'u-1', 'kosmos.io/root-generation': '3', ...version })
  })

  it('lets no user pass for another cluster or pod', () => {
    const labels = { 'kosmos-io/pod': 'false', 'kosmos.io/root-cluster': 'somebody-else', 'kosmos.io/orphan': 'true' }
    const annotations = {
      'kosmos.io/root-uid': 'stolen',
      'kosmos.io/root-generation': '99',
      'kosmos.io/root-resource-version': '999999',
      'kosmos.io/root-metadata': '{"hash":"","labels":["of-the-leaf"]}',
      'kosmos.io/restarts': '{"web":99}',
      'kosmos.io/patience': 'node.kubernetes.io/not-ready',
      'kosmos.io/token-secret': 'of-the-leaf',
    }
    const { metadata } = apply(stampIdentity, { metadata: { uid: 'u-1', labels, annotations } }).pod
    assert.deepEqual(metadata.labels, { 'kosmos-io/pod': 'true', 'kosmos.io/root-cluster': 'root-1' })
    assert.deepEqual(identity(metadata), { 'kosmos.io/root-uid': 'u-1', 'kosmos.io/root-generation': '1', ...version })
    assert.doesNotMatch(metadata.annotations['kosmos.io/root-metadata'] ?? '', /of-the-leaf/)
  })
})

describe('a root that does not count generations', () => {
  it('gives its copies a hash of the spec, and no number that the user made up', () => {
    const root = rootPod({ metadata: { labels: {}, annotations: { 'kosmos.io/root-generation': '99' } } })
    const { generation, ...metadata } = root.metadata
    const start = {
      pod: { ...root, apiVersion: 'v1', kind: 'Pod' },
      omissions: [],
      problems: [],
    } as unknown as Translation
    const { pod } = stampIdentity(start, { ...root, metadata }, ctx)
    const { 'kosmos.io/root-generation': stamp, ...others } = identity(pod.metadata) as Record<string, string>
    assert.deepEqual(others, { 'kosmos.io/root-uid': 'root-uid', ...version })
    assert.match(`${stamp}`, /^spec-[0-9a-f]{16}$/)
  })
})

describe('dropRootOnlyFields', () => {
  it('drops what the root’s scheduler and admission wrote', () => {
    const spec = specOf(dropRootOnlyFields, {
      nodeName: 'kosmos-east',
      schedulerName: 'volcano',
      schedulingGates: [{ name: 'example.com/gate' }],
      schedulingGroup: { podGroupName: 'gang' },
      overhead: { cpu: '250m' },
      ephemeralContainers: [{ name: 'debug', image: 'busybox' }],
      runtimeClassName: 'kata',
    })
    assert.deepEqual(spec, { containers: [{ name: 'main', image: 'nginx' }], runtimeClassName: 'kata' })
  })
})

describe('constrainToLeaf', () => {
  const nodes = {
    nodeSelector: { pool: 'root-pool' },
    tolerations: [{ key: 'kosmos.io/node', operator: 'Exists' }],
    affinity: {
      nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } },
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'web' } } },
        ],
      },
    },
  }

  it('does not send constraints on the root’s nodes', () => {
    const spec = specOf(constrainToLeaf, nodes)
    assert.equal(spec.nodeSelector, undefined)
    assert.equal(spec.tolerations, undefined)
    assert.equal(spec.affinity?.nodeAffinity, undefined)
  })

  it('sends constraints between pods', () => {
    assert.deepEqual(specOf(constrainToLeaf, nodes).affinity, { podAntiAffinity: nodes.affinity.podAntiAffinity })
  })

  it('leaves no empty affinity behind', () => {
    const { nodeAffinity } = nodes.affinity
    assert.ok(!('affinity' in specOf(constrainToLeaf, { affinity: { nodeAffinity } })))
  })

  it('sends spread as a preference over the keys that every cluster has', () => {
    const labelSelector = { matchLabels: { app: 'web' } }
    const common = { maxSkew: 1, labelSelector }
    const spec = specOf(constrainToLeaf, {
      topologySpreadConstraints: [
        { ...common, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'DoNotSchedule', minDomains: 2 },
        { ...common, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway' },
        { ...common, topologyKey: 'kosmos.io/cluster', whenUnsatisfiable: 'DoNotSchedule' },
      ],
    })
    assert.deepEqual(spec.topologySpreadConstraints, [
      { ...common, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway' },
    ])
  })

  for (const topologyKey of [
    'kubernetes.io/hostname',
    'topology.kubernetes.io/zone',
    'topology.kubernetes.io/region',
  ]) {
    it(`sends spread over ${topologyKey}, with the label keys that are not merged yet`, () => {
      const spread = { maxSkew: 1, topologyKey, whenUnsatisfiable: 'ScheduleAnyway', matchLabelKeys: ['tenant'] }
      const spec = specOf(constrainToLeaf, { topologySpreadConstraints: [spread] })
      assert.deepEqual(spec.topologySpreadConstraints, [spread])
    })
  }

  it('leaves no empty spread behind', () => {
    const spread = { maxSkew: 1, topologyKey: 'kosmos.io/cluster', whenUnsatisfiable: 'DoNotSchedule' }
    assert.ok(!('topologySpreadConstraints' in specOf(constrainToLeaf, { topologySpreadConstraints: [spread] })))
  })

  it('sends every kind of constraint between pods, with those keys only that nobody has merged', () => {
    const merged = { matchExpressions: [{ key: 'merged', operator: 'In', values: ['x'] }] }
    const keys = { matchLabelKeys: ['merged', 'a'], mismatchLabelKeys: ['merged', 'b'] }
    const term = { topologyKey: 'kubernetes.io/hostname', labelSelector: merged }
    const both = (more: object) => ({
      requiredDuringSchedulingIgnoredDuringExecution: [{ ...term, ...more }],
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 7, podAffinityTerm: { ...term, ...more } }],
    })
    const sent = both({ matchLabelKeys: ['a'], mismatchLabelKeys: ['b'] })
    for (const kind of ['podAffinity', 'podAntiAffinity'] as const) {
      assert.deepEqual(specOf(constrainToLeaf, { affinity: { [kind]: both(keys) } }).affinity, { [kind]: sent })
      for (const [when, terms] of Object.entries(both({}))) {
        const affinity = { [kind]: { [when]: terms } }
        assert.deepEqual(specOf(constrainToLeaf, { affinity }).affinity, affinity)
      }
    }
  })

  it('does not send label keys twice that the root’s API server has merged into the selector', () => {
    const merged = { matchExpressions: [{ key: 'pod-template-hash', operator: 'In', values: ['abc'] }] }
    const term = { topologyKey: 'kubernetes.io/hostname', labelSelector: merged, matchLabelKeys: ['pod-template-hash'] }
    const spread = { ...term, maxSkew: 1, whenUnsatisfiable: 'ScheduleAnyway' }
    const spec = specOf(constrainToLeaf, {
      affinity: {
        podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ ...term, mismatchLabelKeys: ['tenant'] }] },
        podAntiAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: term }],
        },
      },
      topologySpreadConstraints: [spread],
    })
    const [required] = spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []
    assert.equal(required?.matchLabelKeys, undefined)
    assert.deepEqual(required?.mismatchLabelKeys, ['tenant'], 'not merged yet, so it is sent')
    const [preferred] = spec.affinity?.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []
    assert.equal(preferred?.podAffinityTerm.matchLabelKeys, undefined)
    assert.equal(spec.topologySpreadConstraints?.[0]?.matchLabelKeys, undefined)
  })

  const selecting = (json: string) => ({ annotations: { 'kosmos.io/cluster-selector': json } })

  it('sends the leaf’s constraints that the user wrote into the annotation instead', () => {
    const selector = {
      nodeSelector: { disk: 'ssd' },
      tolerations: [{ key: 'gpu', operator: 'Exists' }],
      affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } } },
      topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'rack', whenUnsatisfiable: 'DoNotSchedule' }],
    }
    const spec = specOf(constrainToLeaf, nodes, selecting(JSON.stringify(selector)))
    assert.deepEqual(spec.nodeSelector, selector.nodeSelector)
    assert.deepEqual(spec.tolerations, selector.tolerations)
    assert.deepEqual(spec.topologySpreadConstraints, selector.topologySpreadConstraints)
    const { podAntiAffinity } = nodes.affinity
    assert.deepEqual(spec.affinity, { ...selector.affinity, podAntiAffinity })
  })

  for (const [json, says] of [
    ['{"nodeSelector":', /not JSON/],
    ['[]', /must be an object/],
    ['null', /must be an object/],
    ['{"nodeselector":{}}', /unknown key "nodeselector"/],
    ['{"nodeSelector":{"a":1}}', /nodeSelector must map/],
    ['{"affinity":"x"}', /affinity must be an object/],
    ['{"tolerations":{}}', /tolerations must be a list/],
    ['{"topologySpreadConstraints":[1]}', /topologySpreadConstraints must be a list/],
  ] as const) {
    it(`refuses the annotation ${json} in words`, () => {
      const [problem] = apply(constrainToLeaf, { metadata: selecting(json) }).problems
      assert.equal(problem?.reason, 'InvalidClusterSelector')
      assert.match(problem?.message ?? '', says)
    })
  }
})

describe('withholdApiAccess', () => {
  const token = { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } }
  const ca = { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } }
  const namespace = {
    downwardAPI: {
      items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
    },
  }
  const admitted = { name: 'kube-api-access-x7k2p', projected: { defaultMode: 420, sources: [token, ca, namespace] } }
  const mount = { name: admitted.name, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true }
  const data = { name: 'data', emptyDir: {} }

  it('runs the copy as nobody in particular, without a token of the leaf', () => {
    const spec = specOf(withholdApiAccess, { serviceAccountName: 'builder', serviceAccount: 'builder' })
    assert.equal(spec.serviceAccountName, undefined)
    assert.equal(spec.serviceAccount, undefined)
    assert.equal(spec.automountServiceAccountToken, false)
  })

  it('leaves out the volume that ServiceAccount admission added, with its mounts, and says so', () => {
    const { pod, omissions } = apply(withholdApiAccess, {
      spec: {
        volumes: [data, admitted],
        containers: [{ name: 'main', volumeMounts: [{ name: 'data', mountPath: '/data' }, mount] }],
        initContainers: [{ name: 'init', volumeMounts: [mount] }],
      },
    })
    assert.deepEqual(pod.spec.volumes, [data])
    assert.deepEqual(pod.spec.containers, [{ name: 'main', volumeMounts: [{ name: 'data', mountPath: '/data' }] }])
    assert.deepEqual(pod.spec.initContainers, [{ name: 'init' }])
    assert.deepEqual(
      omissions.map(({ reason }) => reason),
      ['ApiAccessOmitted'],
    )
  })

  it('keeps what else a projected volume holds', () => {
    const config = { configMap: { name: 'settings' } }
    const vault = {
      name: 'vault',
      projected: { sources: [{ serviceAccountToken: { path: 't', audience: 'v' } }, config] },
    }
    const vaultMount = { name: 'vault', mountPath: '/vault' }
    const spec = specOf(withholdApiAccess, {
      volumes: [vault],
      containers: [{ name: 'main', volumeMounts: [vaultMount] }],
    })
    assert.deepEqual(spec.volumes, [{ name: 'vault', projected: { sources: [config] } }])
    assert.deepEqual(spec.containers[0]?.volumeMounts, [vaultMount])
  })

  it('touches no volume and says nothing when there is no token', () => {
    const volumes = [data, { name: 'info', projected: { sources: [namespace, ca] } }]
    const { pod, omissions } = apply(withholdApiAccess, { spec: { volumes } })
    assert.equal(pod.spec.volumes, volumes)
    assert.deepEqual(omissions, [])
  })
})

describe('a translation that has a problem already', () => {
  it('keeps it beside the next', () => {
    const root = rootPod({ metadata: { annotations: { 'kosmos.io/cluster-selector': '[]' } } })
    const before = { reason: 'ResourceClaimNotCarried', message: 'devices' } as const
    const { problems } = constrainToLeaf({ ...translate(root, ctx), problems: [before] }, root, ctx)
    assert.deepEqual(
      problems.map(({ reason }) => reason),
      [before.reason, 'InvalidClusterSelector'],
    )
  })
})

describe('resolveDownwardApi', () => {
  const env = (fieldPath: string) => ({ name: 'X', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath } } })
  const resolved = (fieldPath: string, parts: PodParts = {}) => {
    const containers = [{ name: 'main', env: [env(fieldPath)] }]
    return apply(resolveDownwardApi, { ...parts, spec: { ...parts.spec, containers } }).pod.spec.containers[0]?.env?.[0]
  }
  const rootUidPath = "metadata.annotations['kosmos.io/root-uid']"

  it('gives the uid of the root pod in variables', () => {
    assert.equal(resolved('metadata.uid')?.valueFrom?.fieldRef?.fieldPath, rootUidPath)
  })

  it('gives the uid of the root pod in files', () => {
    const items = [
      { path: 'uid', fieldRef: { fieldPath: 'metadata.uid' } },
      { path: 'name', fieldRef: { fieldPath: 'metadata.name' } },
    ]
    const { volumes } = specOf(resolveDownwardApi, {
      volumes: [
        { name: 'info', downwardAPI: { items, defaultMode: 292 } },
        { name: 'more', projected: { sources: [{ downwardAPI: { items } }, { secret: { name: 's' } }] } },
      ],
    })
    const expected = [{ path: 'uid', fieldRef: { fieldPath: rootUidPath } }, items[1]]
    assert.deepEqual(volumes, [
      { name: 'info', downwardAPI: { items: expected, defaultMode: 292 } },
      { name: 'more', projected: { sources: [{ downwardAPI: { items: expected } }, { secret: { name: 's' } }] } },
    ])
  })

  it('changes nothing else of a volume that has the uid in a file', () => {
    const file = (fieldPath: string) => ({ path: 'uid', mode: 256, fieldRef: { fieldPath } })
    const volumeOf = (fieldPath: string) => [
      { name: 'one', downwardAPI: { defaultMode: 292, items: [file(fieldPath)] } },
      {
        name: 'several',
        projected: {
          defaultMode: 292,
          sources: [
            { configMap: { name: 'settings' } },
            { downwardAPI: { items: [file(fieldPath)] } },
            { downwardAPI: {} },
          ],
        },
      },
    ]
    const { volumes } = specOf(resolveDownwardApi, { volumes: volumeOf('metadata.uid') })
    assert.deepEqual(volumes, volumeOf(rootUidPath))
  })

  it('gives the service account and the node of the root', () => {
    const parts = { spec: { serviceAccountName: 'builder' } }
    assert.deepEqual(resolved('spec.serviceAccountName', parts), { name: 'X', value: 'builder' })
    assert.deepEqual(resolved('spec.serviceAccountName'), { name: 'X', value: 'default' })
    assert.deepEqual(resolved('spec.nodeName'), { name: 'X', value: 'kosmos-east' })
  })

  it('gives a user’s own value under a key that we stamp, without the kubelet expanding it', () => {
    const metadata = { annotations: { 'kosmos.io/root-uid': 'mine $(HOME)' }, labels: { 'kosmos-io/pod': 'no' } }
    assert.deepEqual(resolved(rootUidPath, { metadata }), { name: 'X', value: 'mine $$(HOME)' })
    assert.deepEqual(resolved("metadata.labels['kosmos-io/pod']", { metadata }), { name: 'X', value: 'no' })
    assert.deepEqual(resolved("metadata.labels['kosmos.io/root-cluster']", { metadata }), { name: 'X', value: '' })
    assert.deepEqual(resolved("metadata.annotations['kosmos.io/root-generation']"), { name: 'X', value: '' })
  })

  it('gives what the root pod has under every key where its copy has something else', () => {
    const tolerations = [{ operator: 'Exists' }]
    const { metadata } = translate(rootPod({ spec: { tolerations } }), ctx).pod
    const ownKeys = (field: 'labels' | 'annotations', ...more: string[]) => [...Object.keys(metadata[field]), ...more]
    const values = (keys: readonly string[]) => fc.dictionary(fc.constantFrom(...keys), fc.constantFrom('a', 'b$'))
    const labels = ownKeys('labels', 'kosmos.io/orphan', 'app')
    const annotations = ownKeys('annotations', 'kosmos.io/restarts', 'kosmos.io/token-secret', 'example.com/note')
    fc.assert(
      fc.property(values(labels), values(annotations), (labels, annotations) => {
        const asked = { labels, annotations }
        for (const field of ['labels', 'annotations'] as const) {
          for (const key of field === 'labels' ? ownKeys(field, 'kosmos.io/orphan') : ownKeys(field)) {
            const path = `metadata.${field}['${key}']`
            const root = rootPod({
              metadata: asked,
              spec: { tolerations, containers: [{ name: 'main', image: 'x', env: [env(path)] }] },
            })
            const { pod } = translate(root, ctx)
            const variable = pod.spec.containers[0]?.env?.[0]
            const told = variable?.valueFrom ? pod.metadata[field][key] : variable?.value?.replaceAll('$$', '$')
            assert.equal(told ?? '', asked[field][key] ?? '', path)
          }
        }
      }),
    )
  })

  for (const path of [
    'metadata.name',
    'metadata.namespace',
    "metadata.labels['app']",
    'status.podIP',
    'status.hostIP',
  ]) {
    it(`leaves ${path} to the leaf’s kubelet`, () => {
      assert.deepEqual(resolved(path), env(path))
    })
  }

  it('keeps the order of variables and resolves init containers too', () => {
    const variables = [{ name: 'A', value: '$(X)' }, env('spec.nodeName'), { name: 'B', value: '$(X)' }]
    const spec = specOf(resolveDownwardApi, { initContainers: [{ name: 'init', env: variables }] })
    assert.deepEqual(spec.initContainers?.[0]?.env, [variables[0], { name: 'X', value: 'kosmos-east' }, variables[2]])
  })
})

describe('translatePriority', () => {
  const spec = { priorityClassName: 'gold', priority: 1000, preemptionPolicy: 'Never' }

  it('drops a class that the leaf may lack, with the number and policy that come from it, and says so', () => {
    const { pod, omissions } = apply(translatePriority, { spec })
    assert.deepEqual(pod.spec, { nodeName: 'kosmos-east', containers: [{ name: 'main', image: 'nginx' }] })
    assert.match(omissions[0]?.message ?? '', /PriorityClass gold .* Cluster east/)
  })

  it('calls a class what the Cluster says that it is in the leaf, where its number comes from', () => {
    const { pod, omissions } = apply(translatePriority, { spec }, { priorityClasses: { gold: 'premium' } })
    assert.equal(pod.spec.priorityClassName, 'premium')
    assert.deepEqual([pod.spec.priority, pod.spec.preemptionPolicy, omissions], [undefined, undefined, []])
  })

  it('says nothing of a class that the Cluster wants to be the leaf’s default', () => {
    const { pod, omissions } = apply(translatePriority, { spec }, { priorityClasses: { gold: '' } })
    assert.deepEqual([pod.spec.priorityClassName, omissions], [undefined, []])
  })

  it('keeps the classes that every cluster has, unless the Cluster says otherwise', () => {
    const system = { priorityClassName: 'system-cluster-critical', priority: 2_000_000_000 }
    const named = (priorityClasses: Record<string, string>) =>
      apply(translatePriority, { spec: system }, { priorityClasses }).pod.spec
    assert.equal(named({}).priorityClassName, 'system-cluster-critical')
    assert.equal(named({}).priority, undefined)
    assert.equal(named({ 'system-cluster-critical': 'high' }).priorityClassName, 'high')
    assert.equal(named({ 'system-cluster-critical': '' }).priorityClassName, undefined)
  })

  it('says nothing of a pod that only has the default priority', () => {
    const parts = { spec: { priority: 0, preemptionPolicy: 'PreemptLowerPriority' } }
    const { pod, omissions } = apply(translatePriority, parts)
    assert.equal(pod.spec.priority, undefined)
    assert.deepEqual(omissions, [])
  })
})

describe('refuseDeviceClaims', () => {
  it('makes no copy of a pod that asks for devices of the root, and names its claims', () => {
    const resourceClaims = [
      { name: 'gpu', resourceClaimName: 'mine' },
      { name: 'nic', resourceClaimTemplateName: 'fast' },
    ]
    const { problems } = apply(refuseDeviceClaims, { spec: { resourceClaims } })
    assert.deepEqual(
      problems.map(({ reason }) => reason),
      ['ResourceClaimNotCarried'],
    )
    assert.match(problems[0]?.message ?? '', /\(gpu, nic\)/)
  })

  it('lets all others pass', () => {
    assert.deepEqual(apply(refuseDeviceClaims, { spec: { resourceClaims: [] } }).problems, [])
    assert.deepEqual(apply(refuseDeviceClaims, {}).problems, [])
  })
})
