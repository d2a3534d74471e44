import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import type { PodSpec } from '@kosmos/kube'
import fc from 'fast-check'
import { ctx, parsed, rootPod } from '../fixture.ts'
import { podMutations, translate } from './translate.ts'

type Container = PodSpec['containers'][number]

const name = fc.constantFrom('a', 'b', 'c')
const text = fc.string({ maxLength: 8 })

/** Containers that refer to the root in no way. */
const container: fc.Arbitrary<Container> = fc.record(
  {
    name,
    image: text,
    command: fc.array(text),
    args: fc.array(fc.constantFrom('$(A)', '$$(A)', 'x')),
    env: fc.array(fc.record({ name, value: fc.constantFrom('$(A)', '$$(B)', '') })),
    envFrom: fc.array(fc.record({ prefix: text, configMapRef: fc.record({ name }) })),
    resources: fc.record({ requests: fc.record({ cpu: fc.constantFrom('1', '100m') }) }),
    volumeMounts: fc.array(fc.record({ name, mountPath: text })),
    livenessProbe: fc.record({ httpGet: fc.record({ path: text, port: fc.nat(65535) }) }),
    lifecycle: fc.record({ preStop: fc.record({ sleep: fc.record({ seconds: fc.nat(9) }) }) }),
    restartPolicy: fc.constant('Always'),
    securityContext: fc.record({ runAsUser: fc.nat(9) }),
  },
  { requiredKeys: ['name'] },
)

const volume = fc.oneof(
  fc.record({ name, emptyDir: fc.constant({}) }),
  fc.record({ name, configMap: fc.record({ name, optional: fc.boolean() }) }),
  fc.record({ name, persistentVolumeClaim: fc.record({ claimName: name }) }),
  fc.record({ name, projected: fc.record({ sources: fc.array(fc.record({ secret: fc.record({ name }) })) }) }),
)

/** Fields that mean the same in the leaf. */
const spec: fc.Arbitrary<Partial<PodSpec>> = fc
  .record(
    {
      containers: fc.array(container, { minLength: 1, maxLength: 3 }),
      initContainers: fc.array(container, { maxLength: 2 }),
      volumes: fc.array(volume),
      restartPolicy: fc.constantFrom('Always', 'Never'),
      terminationGracePeriodSeconds: fc.nat(60),
      activeDeadlineSeconds: fc.nat(60),
      dnsPolicy: fc.constantFrom('ClusterFirst', 'None'),
      dnsConfig: fc.record({ nameservers: fc.array(fc.ipV4()) }),
      hostNetwork: fc.boolean(),
      hostname: name,
      subdomain: name,
      enableServiceLinks: fc.boolean(),
      imagePullSecrets: fc.array(fc.record({ name })),
      securityContext: fc.record({ fsGroup: fc.nat(9) }),
      runtimeClassName: name,
      readinessGates: fc.array(fc.record({ conditionType: name })),
      shareProcessNamespace: fc.boolean(),
      hostAliases: fc.array(fc.record({ ip: fc.ipV4(), hostnames: fc.array(name) })),
      resources: fc.record({ limits: fc.record({ cpu: fc.constant('2') }) }),
    },
    { requiredKeys: ['containers'] },
  )
  .map(parsed)

describe('the copy of any root pod', () => {
  it('is byte for byte what the user wrote, as far as it means the same in the leaf', () => {
    fc.assert(
      fc.property(spec, (given) => {
        const { pod, omissions, problems } = translate(rootPod({ spec: given }), ctx)
        const { automountServiceAccountToken, ...copied } = pod.spec
        assert.equal(JSON.stringify(sorted(copied)), JSON.stringify(sorted(given)))
        assert.deepEqual([omissions, problems], [[], []])
      }),
    )
  })

  it('leaves the root pod as it is', () => {
    fc.assert(
      fc.property(spec, (given) => {
        const root = rootPod({ spec: { ...given, priorityClassName: 'gold', nodeSelector: { a: 'b' } } })
        const before = structuredClone(root)
        translate(root, ctx)
        assert.deepEqual(root, before)
      }),
    )
  })

  it('carries the labels and annotations of the user besides ours', () => {
    const keys = fc.dictionary(fc.constantFrom('app', 'example.com/x', 'kosmos-io/pod', 'kosmos.io/root-uid'), text)
    fc.assert(
      fc.property(keys, keys, (labels, annotations) => {
        const root = rootPod({ metadata: { labels, annotations } })
        const { metadata } = translate(root, ctx).pod
        const stamps = { 'kosmos-io/pod': 'true', 'kosmos.io/root-cluster': ctx.rootClusterId }
        assert.deepEqual({ ...metadata.labels }, { ...labels, ...stamps })
        const { 'kosmos.io/root-metadata': carried, ...others } = metadata.annotations
        const notes = {
          'kosmos.io/root-uid': 'root-uid',
          'kosmos.io/root-generation': '1',
          'kosmos.io/root-resource-version': root.metadata.resourceVersion,
        }
        assert.deepEqual(others, { ...annotations, ...notes })
        assert.deepEqual(JSON.parse(carried ?? '').labels, Object.keys(labels))
      }),
    )
  })
})

describe('the metadata of a copy', () => {
  it('is name, namespace, labels and annotations, and nothing of the root object besides', () => {
    const root = rootPod({
      metadata: {
        generateName: 'web-',
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'rs' }],
        finalizers: ['example.com/keep'],
        creationTimestamp: '2026-01-01T00:00:00Z',
        deletionTimestamp: '2026-01-01T00:00:30Z',
        deletionGracePeriodSeconds: 30,
        managedFields: [{ manager: 'kubectl' }],
        selfLink: '/api/v1/pods/web',
      },
    })
    const { pod } = translate(root, ctx)
    assert.deepEqual(Object.keys(pod.metadata).sort(), ['annotations', 'labels', 'name', 'namespace'])
    assert.deepEqual(Object.keys(pod).sort(), ['apiVersion', 'kind', 'metadata', 'spec'])
  })
})

const sorted = (object: object) => Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)))

describe('the rows of translation in docs/explanation/concepts.md', () => {
  it('are those of the code, in their order', () => {
    const page = readFileSync(new URL('../../../../../docs/explanation/concepts.md', import.meta.url), 'utf8')
    const told = [...page.matchAll(/^ {3}\| `(\w+)` \|/gm)].map(([, row]) => row)
    assert.deepEqual(
      told,
      podMutations.map(({ name }) => name),
    )
  })
})
