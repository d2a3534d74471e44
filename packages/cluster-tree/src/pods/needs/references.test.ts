import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PodSpec } from '@kosmos/kube'
import fc from 'fast-check'
import { references } from './references.ts'

type Volume = NonNullable<PodSpec['volumes']>[number]

const pod = (parts: Partial<PodSpec>): PodSpec => ({ containers: [{ name: 'main' }], ...parts })
const names = (parts: Partial<PodSpec>) => references(pod(parts)).map(({ kind, name }) => `${kind}/${name}`)

describe('what a pod refers to', () => {
  it('is found in variables of all kinds of containers', () => {
    const container = (suffix: string) => ({
      name: suffix,
      envFrom: [{ configMapRef: { name: `cm-from-${suffix}` } }, { secretRef: { name: `s-from-${suffix}` } }],
      env: [
        { name: 'A', valueFrom: { configMapKeyRef: { name: `cm-${suffix}`, key: 'a' } } },
        { name: 'B', valueFrom: { secretKeyRef: { name: `s-${suffix}`, key: 'b' } } },
        { name: 'C', value: 'plain' },
      ],
    })
    const of = (suffix: string) => [
      `ConfigMap/cm-from-${suffix}`,
      `Secret/s-from-${suffix}`,
      `ConfigMap/cm-${suffix}`,
      `Secret/s-${suffix}`,
    ]
    const parts = {
      initContainers: [container('init')],
      containers: [container('main')],
      ephemeralContainers: [container('debug')],
    }
    assert.deepEqual(names(parts), [...of('init'), ...of('main'), ...of('debug')])
  })

  const secretRef = { name: 'it' }
  const volumes: Readonly<Record<string, Omit<Volume, 'name'>>> = {
    secret: { secret: { secretName: 'it' } },
    azureFile: { azureFile: { secretName: 'it', shareName: 's' } },
    cephfs: { cephfs: { monitors: [], secretRef } },
    cinder: { cinder: { volumeID: 'v', secretRef } },
    csi: { csi: { driver: 'd', nodePublishSecretRef: secretRef } },
    flexVolume: { flexVolume: { driver: 'd', secretRef } },
    iscsi: { iscsi: { iqn: 'i', lun: 0, targetPortal: 't', secretRef } },
    rbd: { rbd: { image: 'i', monitors: [], secretRef } },
    scaleIO: { scaleIO: { gateway: 'g', system: 's', secretRef } },
    storageos: { storageos: { secretRef } },
    projected: { projected: { sources: [{ secret: { name: 'it' } }] } },
  }
  for (const [type, source] of Object.entries(volumes)) {
    it(`is found in a volume of type ${type}`, () => {
      assert.deepEqual(references(pod({ volumes: [{ name: 'v', ...source }] })), [
        { kind: 'Secret', name: 'it', optional: false, usedBy: ['volume v'] },
      ])
    })
  }

  it('includes ConfigMaps in volumes and projected volumes', () => {
    const projected = { sources: [{ configMap: { name: 'p' } }] }
    assert.deepEqual(
      names({
        volumes: [
          { name: 'a', configMap: { name: 'c' } },
          { name: 'b', projected },
        ],
      }),
      ['ConfigMap/c', 'ConfigMap/p'],
    )
  })

  it('does not trip over volumes whose secret is left out', () => {
    const volumes = [
      { name: 'a', cephfs: { monitors: [] } },
      { name: 'b', rbd: { image: 'i', monitors: [] } },
      { name: 'c', secret: {} },
    ]
    assert.deepEqual(names({ volumes }), [])
  })

  it('includes pull secrets, without which a kubelet starts the pod nevertheless', () => {
    assert.deepEqual(references(pod({ imagePullSecrets: [{ name: 'registry' }] })), [
      { kind: 'Secret', name: 'registry', optional: true, usedBy: ['imagePullSecrets'] },
    ])
  })

  it('is optional only when every use is', () => {
    const optional = { name: 'a', configMap: { name: 'c', optional: true } }
    const required = { name: 'b', configMap: { name: 'c' } }
    assert.equal(references(pod({ volumes: [optional] }))[0]?.optional, true)
    assert.deepEqual(references(pod({ volumes: [optional, required] })), [
      { kind: 'ConfigMap', name: 'c', optional: false, usedBy: ['volume a', 'volume b'] },
    ])
    assert.equal(references(pod({ volumes: [required, optional] }))[0]?.optional, false)
  })

  it('tells a ConfigMap from a Secret of the same name', () => {
    const volumes = [
      { name: 'a', configMap: { name: 'same' } },
      { name: 'b', secret: { secretName: 'same' } },
    ]
    assert.deepEqual(names({ volumes }), ['ConfigMap/same', 'Secret/same'])
  })

  it('leaves out the CA that every cluster publishes itself', () => {
    assert.deepEqual(names({ volumes: [{ name: 'ca', configMap: { name: 'kube-root-ca.crt' } }] }), [])
  })

  it('is, of any pod, each object that it names, once, and optional where all uses are', () => {
    const kind = fc.constantFrom('ConfigMap', 'Secret')
    const place = fc.constantFrom('volume', 'projected', 'env', 'envFrom')
    const owner = fc.constantFrom('containers', 'initContainers', 'ephemeralContainers')
    const name = fc.constantFrom('a', 'b', 'c', 'kube-root-ca.crt')
    const use = fc.record({ kind, place, owner, name, optional: fc.option(fc.boolean(), { nil: undefined }) })
    fc.assert(
      fc.property(fc.array(use, { maxLength: 12 }), (uses) => {
        const spec = uses.reduce<PodSpec>(using, { containers: [] })
        const wanted = new Map<string, boolean>()
        for (const { kind, name, optional = false } of uses) {
          const key = `${kind}/${name}`
          if (key !== 'ConfigMap/kube-root-ca.crt') wanted.set(key, optional && (wanted.get(key) ?? true))
        }
        const found = references(spec).map(({ kind, name, optional }) => [`${kind}/${name}`, optional] as const)
        assert.equal(new Set(found.map(([key]) => key)).size, found.length)
        assert.deepEqual(new Map([...found].sort()), new Map([...wanted].sort()))
      }),
    )
  })
})

interface AnyUse {
  readonly kind: 'ConfigMap' | 'Secret'
  readonly place: 'volume' | 'projected' | 'env' | 'envFrom'
  readonly owner: 'containers' | 'initContainers' | 'ephemeralContainers'
  readonly name: string
  readonly optional: boolean | undefined
}

/** The pod that names one object more. */
function using(spec: PodSpec, { kind, place, owner, name, optional }: AnyUse): PodSpec {
  const named = { name, ...(optional !== undefined && { optional }) }
  const source = kind === 'ConfigMap' ? { configMap: named } : { secret: named }
  const { name: _, ...rest } = named
  const volume = kind === 'ConfigMap' ? source : { secret: { ...rest, secretName: name } }
  const ref = { ...named, key: 'k' }
  switch (place) {
    case 'volume':
      return { ...spec, volumes: [...(spec.volumes ?? []), { name: 'v', ...volume }] }
    case 'projected':
      return { ...spec, volumes: [...(spec.volumes ?? []), { name: 'v', projected: { sources: [source] } }] }
    case 'env': {
      const valueFrom = kind === 'ConfigMap' ? { configMapKeyRef: ref } : { secretKeyRef: ref }
      return { ...spec, [owner]: [...(spec[owner] ?? []), { name: 'c', env: [{ name: 'V', valueFrom }] }] }
    }
    case 'envFrom': {
      const from = kind === 'ConfigMap' ? { configMapRef: named } : { secretRef: named }
      return { ...spec, [owner]: [...(spec[owner] ?? []), { name: 'c', envFrom: [from] }] }
    }
  }
}
