import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Pod, PodSpec } from '@kosmos/kube'
import fc from 'fast-check'
import { type TolerationPatch, tolerationPatch } from '../../leaf-loss/held-tolerations.ts'
import { ctx, leafPod, rootPod } from '../fixture.ts'
import { translate } from '../translate/translate.ts'
import type { LeafContext } from '../translate/translation.ts'
import { type CopyPatch, changesOf, type Toleration } from './changes.ts'
import { withTolerations } from './tolerations.ts'

type Strings = Record<string, string>

/** The copy after patches of its metadata and images, as a strategic merge makes it. */
function changed(leaf: Pod, patches: readonly CopyPatch[]): Pod {
  const { metadata: before, spec } = leaf
  const after = { ...before, labels: { ...before.labels }, annotations: { ...before.annotations } }
  for (const { subresource, body } of patches) {
    if (subresource) continue
    for (const field of ['labels', 'annotations'] as const) {
      for (const [key, value] of Object.entries((body.metadata[field] ?? {}) as Record<string, string | null>)) {
        if (value === null) delete (after[field] as Strings)[key]
        else (after[field] as Strings)[key] = value
      }
    }
  }
  return { ...leaf, metadata: after, spec }
}

/** The root pod after a write, which counts as a new generation if it changes the spec. */
function edited(
  root: Pod,
  { metadata, spec }: { metadata?: Partial<Pod['metadata']>; spec?: Partial<Pod['spec']> },
): Pod {
  const generation = (root.metadata.generation ?? 0) + (spec ? 1 : 0)
  return { ...root, metadata: { ...root.metadata, ...metadata, generation }, spec: { ...root.spec, ...spec } }
}

function patchedBy(root: Pod, patch: TolerationPatch | undefined): Pod {
  assert(patch)
  const annotations = patch.metadata.annotations as Strings
  return edited(root, { metadata: { annotations }, spec: { tolerations: patch.spec.tolerations } })
}

const strings = fc.dictionary(
  fc.constantFrom('app', 'tier', 'example.com/a', 'example.com/b'),
  fc.constantFrom('1', '2'),
)

describe('the change of a root pod', () => {
  it('is none when only its status changed, or when it was just translated', () => {
    fc.assert(
      fc.property(strings, strings, (labels, annotations) => {
        const root = rootPod({ metadata: { labels, annotations } })
        const later = { ...root, metadata: { ...root.metadata, resourceVersion: '99' }, status: { phase: 'Running' } }
        assert.deepEqual(changesOf(later as Pod, leafPod(root), ctx), [])
      }),
    )
  })

  it('of labels and annotations is carried over, key by key, and what the leaf added stays', () => {
    fc.assert(
      fc.property(strings, strings, strings, strings, (labels, annotations, newLabels, newAnnotations) => {
        const root = rootPod({ metadata: { labels, annotations } })
        const copy = leafPod(root)
        const leaf = {
          ...copy,
          metadata: { ...copy.metadata, annotations: { ...copy.metadata.annotations, 'cni.example/ip': '10.0.0.1' } },
        }
        const next = edited(root, { metadata: { labels: newLabels, annotations: newAnnotations } })
        const after = changed(leaf, changesOf(next, leaf, ctx))
        assert.deepEqual(after.metadata.labels, { ...leafPod(next).metadata.labels })
        assert.deepEqual(after.metadata.annotations, {
          ...leafPod(next).metadata.annotations,
          'cni.example/ip': '10.0.0.1',
        })
        assert.deepEqual(changesOf(next, after, ctx), [], 'and then there is nothing left to do')
      }),
    )
  })

  it('is no reason to fight with a webhook of the leaf that has a label its own way', () => {
    const root = rootPod({ metadata: { labels: { app: 'web' } } })
    const leaf = leafPod(root)
    const theirs = { ...leaf, metadata: { ...leaf.metadata, labels: { ...leaf.metadata.labels, app: 'web-east' } } }
    assert.deepEqual(changesOf(root, theirs, ctx), [])
  })

  it('of the spec is carried over in the fields that may change, for this incarnation of the copy only', () => {
    const root = rootPod()
    const next = edited(root, {
      spec: {
        activeDeadlineSeconds: 60,
        containers: [{ name: 'main', image: 'nginx:2' }],
        tolerations: [{ operator: 'Exists' }],
      },
    })
    const leaf = leafPod(root)
    const [change, ...more] = changesOf(next, leaf, ctx)
    assert.deepEqual(more, [])
    assert.equal(change?.body.metadata.uid, 'leaf-uid')
    assert.deepEqual(change?.body.spec, {
      activeDeadlineSeconds: 60,
      containers: [{ name: 'main', image: 'nginx:2' }],
    })
    assert.deepEqual(changesOf(next, changed(leaf, [change as CopyPatch]), ctx), [])
  })

  it('of tolerations reaches a copy that has those of its root pod: its virtual node is one leaf node', () => {
    const [gpu, night] = ['gpu', 'night'].map((key) => ({ key, operator: 'Exists' }))
    assert(gpu && night)
    const root = rootPod({ spec: { tolerations: [gpu] } })
    const next = edited(root, { spec: { tolerations: [gpu, night] } })
    const home = { kind: 'node', leafNode: 'worker' } as const
    const tolerated = (context: LeafContext) => changesOf(next, leafPod(root), context).at(-1)?.tolerations
    assert.deepEqual(tolerated({ ...ctx, home }), [gpu, night])
    assert.equal(tolerated(ctx), undefined)
  })

  describe('of how long it bears that its node is lost', () => {
    const bearing = (...seconds: (number | undefined)[]) =>
      ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'].map((key, i) => ({
        key,
        operator: 'Exists',
        effect: 'NoExecute',
        ...(seconds[i] !== undefined && { tolerationSeconds: seconds[i] }),
      }))
    const bears = (tolerations: readonly Toleration[]) => ({ spec: { tolerations } })

    it('is carried over, also for ever, and the defaults when it had said something else', () => {
      const seconds = fc.constantFrom(undefined, 0, 10, 300)
      fc.assert(
        fc.property(seconds, seconds, seconds, seconds, (...[a, b, c, d]) => {
          const root = rootPod(bears(bearing(a, b)))
          const copy = leafPod(root)
          // What the leaf's admission gives for what nobody says.
          const given = bearing(60, 60).filter(({ key }) => !copy.spec.tolerations?.some((one) => one.key === key))
          const leaf = { ...copy, spec: { ...copy.spec, tolerations: [...(copy.spec.tolerations ?? []), ...given] } }
          const change = changesOf(edited(root, bears(bearing(c, d))), leaf, ctx).at(-1)
          const body = withTolerations(change?.body as CopyPatch['body'], change?.tolerations ?? [], leaf)
          const { tolerations = leaf.spec.tolerations } = (body?.spec ?? {}) as PodSpec
          const borne = bearing().map(({ key }) => tolerations.find((one) => one.key === key)?.tolerationSeconds)
          const expected = [
            [a, c],
            [b, d],
          ].map(([before, after]) => (before === 300 && after === 300 ? 60 : after))
          assert.deepEqual(borne, expected)
          assert.equal(tolerations.length, 2)
        }),
      )
    })

    it('is none that the copy hears of when it is held through the loss of its leaf, or let go', () => {
      const root = rootPod(bears(bearing(10, 300)))
      const held = patchedBy(root, tolerationPatch(root, true))
      const letGo = patchedBy(held, tolerationPatch(held, false))
      for (const home of [{ kind: 'cluster' }, { kind: 'node', leafNode: 'worker' }] as const) {
        const { pod } = translate(root, { ...ctx, home })
        const leaf = leafPod(root, { spec: pod.spec })
        for (const next of [held, letGo]) {
          const change = changesOf(next, leaf, { ...ctx, home }).at(-1)
          assert(change)
          assert.equal(withTolerations(change.body, change.tolerations ?? [], leaf), change.body)
        }
      }
    })

    it('leaves a copy alone that bears it as the user says of the nodes of the leaf', () => {
      const annotations = { 'kosmos.io/cluster-selector': '{"tolerations":[{"operator":"Exists"}]}' }
      const root = rootPod({ ...bears(bearing(10, 10)), metadata: { annotations } })
      const change = changesOf(edited(root, bears(bearing(20, 300))), leafPod(root), ctx).at(-1)
      assert.deepEqual(change?.tolerations, [{ operator: 'Exists' }])
    })
  })

  it('of resources goes through the subresource before the copy is stamped', () => {
    const container = { name: 'main', image: 'nginx' }
    const root = rootPod({ spec: { containers: [{ ...container, resources: { requests: { cpu: '1' } } }] } })
    const resources = { requests: { cpu: '2' } }
    const next = edited(root, {
      spec: {
        containers: [{ ...container, resources }],
        initContainers: [
          { name: 'once', image: 'x', resources },
          { name: 'sidecar', image: 'x', restartPolicy: 'Always', resources },
        ],
      },
    })
    const patches = changesOf(next, leafPod(root), ctx)
    assert.deepEqual(
      patches.map(({ subresource }) => subresource),
      ['resize', undefined],
    )
    assert.deepEqual(patches[0]?.body.spec, {
      containers: [{ name: 'main', resources }],
      initContainers: [{ name: 'sidecar', resources }],
    })
  })

  it('of resources names only what has some: the pod as a whole, or containers that go on running', () => {
    const resources = { requests: { cpu: '2' } }
    const bare = { name: 'main', image: 'nginx' }
    const resized = (spec: Partial<PodSpec>) => {
      const patches = changesOf(edited(rootPod(), { spec }), leafPod(rootPod()), ctx)
      return patches.filter(({ subresource }) => subresource === 'resize').map(({ body }) => body)
    }
    const metadata = { uid: 'leaf-uid' }
    assert.deepEqual(resized({ resources }), [{ metadata, spec: { resources } }])
    const sidecar = { name: 'sidecar', image: 'x', restartPolicy: 'Always' }
    const initContainers = [{ ...sidecar, resources }]
    assert.deepEqual(resized({ containers: [bare], initContainers }), [
      { metadata, spec: { initContainers: [{ name: 'sidecar', resources }] } },
    ])
    assert.deepEqual(
      resized({
        containers: [
          { ...bare, resources },
          { ...bare, name: 'beside' },
        ],
      }),
      [{ metadata, spec: { containers: [{ name: 'main', resources }] } }],
    )
    assert.deepEqual(resized({ containers: [bare], initContainers: [{ name: 'once', image: 'x', resources }] }), [])
  })

  it('of nothing but labels names nothing of the spec', () => {
    const [change, ...more] = changesOf(
      edited(rootPod(), { metadata: { labels: { app: 'web' } } }),
      leafPod(rootPod()),
      ctx,
    )
    assert.deepEqual([Object.keys(change?.body ?? {}), more], [['metadata'], []])
  })

  it('of a readiness gate goes to the status of this very copy, after what else has changed', () => {
    const gate = { type: 'example.com/warm', status: 'True' }
    const root = rootPod({ spec: { readinessGates: [{ conditionType: gate.type }] } })
    const opened = { ...root, status: { ...root.status, conditions: [gate] } }
    const expected = { subresource: 'status', body: { metadata: { uid: 'leaf-uid' }, status: { conditions: [gate] } } }
    assert.deepEqual(changesOf(opened, leafPod(root), ctx), [expected])
    assert.deepEqual(changesOf(edited(opened, { metadata: { labels: { app: 'web' } } }), leafPod(root), ctx).slice(1), [
      expected,
    ])
  })

  it('of the spec is seen as well where the root counts no generations', () => {
    const { generation: _, ...metadata } = rootPod().metadata
    const root = { ...rootPod(), metadata }
    assert.deepEqual(changesOf(root, leafPod(root), ctx), [])
    const containers = [{ name: 'main', image: 'nginx:2' }]
    const next = { ...root, spec: { ...root.spec, containers } }
    const [change, ...others] = changesOf(next, leafPod(root), ctx)
    assert.deepEqual([change?.body.spec, others], [{ containers }, []])
    assert.deepEqual(changesOf(next, leafPod(next), ctx), [])
  })

  it('of images names those of init containers too', () => {
    const initContainers = [{ name: 'sidecar', image: 'x:2', restartPolicy: 'Always' }]
    const root = rootPod({ spec: { initContainers: [{ name: 'sidecar', image: 'x:1', restartPolicy: 'Always' }] } })
    const [change] = changesOf(edited(root, { spec: { initContainers } }), leafPod(root), ctx)
    assert.deepEqual(change?.body.spec, {
      containers: [{ name: 'main', image: 'nginx' }],
      initContainers: [{ name: 'sidecar', image: 'x:2' }],
    })
  })

  it('by a debug container goes through the subresource, without mounts of what the copy has not', () => {
    const root = rootPod({ spec: { volumes: [{ name: 'data', emptyDir: {} }] } })
    const debug = { name: 'debugger', image: 'busybox', targetContainerName: 'main' }
    const volumeMounts = ['data', 'kube-api-access'].map((name) => ({ name, mountPath: `/${name}` }))
    const next = edited(root, { spec: { ephemeralContainers: [{ ...debug, volumeMounts }] } })
    const [first] = changesOf(next, leafPod(root), ctx)
    assert.equal(first?.subresource, 'ephemeralcontainers')
    assert.deepEqual(first?.body.metadata, { uid: 'leaf-uid' })
    assert.deepEqual(first?.body.spec, { ephemeralContainers: [{ ...debug, volumeMounts: [volumeMounts[0]] }] })
  })

  it('by a debug container refers to copies by the names that they have in the leaf', () => {
    const env = (name: string) => [{ name: 'KEY', valueFrom: { secretKeyRef: { name, key: 'k' } } }]
    const debug = { name: 'debugger', image: 'busybox' }
    const next = edited(rootPod(), { spec: { ephemeralContainers: [{ ...debug, env: env('keys') }] } })
    const nameOf: LeafContext['nameOf'] = (_kind, name) => `${name}-copy`
    const [first] = changesOf(next, leafPod(rootPod()), { ...ctx, nameOf })
    assert.deepEqual(first?.body.spec, { ephemeralContainers: [{ ...debug, env: env('keys-copy') }] })
  })

  it('by a debug container has it speak to the API server that the pod speaks to, and of the root pod', () => {
    const env = [{ name: 'UID', valueFrom: { fieldRef: { fieldPath: 'metadata.uid' } } }]
    const next = edited(rootPod(), { spec: { ephemeralContainers: [{ name: 'debugger', image: 'busybox', env }] } })
    const apiServer = { host: '10.0.0.1', port: '6443' }
    const [first] = changesOf(next, leafPod(rootPod()), { ...ctx, apiServer })
    const { ephemeralContainers } = (first?.body.spec ?? {}) as Partial<PodSpec>
    const variables = ephemeralContainers?.[0]?.env ?? []
    assert.ok(variables.some(({ name, value }) => name === 'KUBERNETES_SERVICE_HOST' && value === '10.0.0.1'))
    assert.equal(variables.at(-1)?.valueFrom?.fieldRef?.fieldPath, "metadata.annotations['kosmos.io/root-uid']")
  })

  it('by a debug container leaves those that the copy has as they are, which cannot be changed', () => {
    const [first, second] = ['first', 'second'].map((name) => ({ name, image: 'busybox' }))
    const next = edited(rootPod(), { spec: { ephemeralContainers: [first, second] as never } })
    const copy = leafPod(rootPod(), { spec: { ephemeralContainers: [{ ...first, env: [] }] as never } })
    assert.deepEqual(changesOf(next, copy, ctx)[0]?.body.spec, { ephemeralContainers: [second] })
  })

  it('that nobody can read leaves the copy as it is', () => {
    const root = rootPod()
    const next = edited(root, { metadata: { annotations: { 'kosmos.io/cluster-selector': '{' } } })
    assert.deepEqual(changesOf(next, leafPod(root), ctx), [])
  })

  it('is known whatever somebody in the leaf wrote over the stamp', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (stamp) => {
        const root = rootPod({ metadata: { labels: { app: 'web' } } })
        const copy = leafPod(root)
        const annotations = { ...copy.metadata.annotations, 'kosmos.io/root-metadata': stamp }
        const leaf = { ...copy, metadata: { ...copy.metadata, annotations } }
        const after = changed(leaf, changesOf(root, leaf, ctx))
        assert.deepEqual(after.metadata.annotations, copy.metadata.annotations)
      }),
    )
  })
})
