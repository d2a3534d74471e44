import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PodSpec } from '@kosmos/kube'
import fc from 'fast-check'
import { claimsOf } from '../../volumes/claim.ts'
import { references } from '../needs/references.ts'
import { renameReferences } from './renamed-references.ts'

const name = fc.constantFrom('a', 'b', 'c')
const ref = fc.record({ name, optional: fc.boolean() })
const secretRef = name.map((name) => ({ secretRef: { name } }))
const source = fc.oneof(
  name.map((secretName) => ({ secret: { secretName } })),
  name.map((name) => ({ configMap: { name } })),
  name.map((secretName) => ({ azureFile: { secretName, shareName: 'a' } })),
  name.map((name) => ({ csi: { driver: 'a', nodePublishSecretRef: { name }, volumeAttributes: { secret: 'a' } } })),
  name.map((claimName) => ({ persistentVolumeClaim: { claimName } })),
  fc
    .tuple(fc.constantFrom('cephfs', 'cinder', 'flexVolume', 'iscsi', 'rbd', 'scaleIO', 'storageos'), secretRef)
    .map(([type, source]) => ({ [type]: source })),
  fc
    .array(
      fc.oneof(
        ref.map((secret) => ({ secret })),
        ref.map((configMap) => ({ configMap })),
      ),
    )
    .map((sources) => ({ projected: { sources } })),
)
const container = fc.record({
  name: fc.constant('a'),
  envFrom: fc.array(
    fc.oneof(
      secretRef,
      ref.map((configMapRef) => ({ configMapRef })),
    ),
  ),
  env: fc.array(
    fc.oneof(
      name.map((name) => ({ name: 'a', valueFrom: { secretKeyRef: { name, key: 'a' } } })),
      name.map((name) => ({ name: 'b', valueFrom: { configMapKeyRef: { name, key: 'a' } } })),
      fc.constant({ name: 'c', value: 'a' }),
    ),
  ),
})
const spec = fc
  .record(
    {
      volumes: fc.array(source).map((sources) => sources.map((source, index) => ({ name: `v${index}`, ...source }))),
      imagePullSecrets: fc.array(fc.record({ name })),
      initContainers: fc.array(container),
      containers: fc.array(container),
      ephemeralContainers: fc.array(container),
    },
    { requiredKeys: ['containers'] },
  )
  // Plain objects, as they come from JSON.
  .map((spec) => JSON.parse(JSON.stringify(spec)) as PodSpec)

describe('a pod that uses copies by another name', () => {
  const prefixed = (kind: string, name: string) => `${kind}.${name}`.toLowerCase()

  it('names all of them so, and is the same otherwise', () => {
    fc.assert(
      fc.property(spec, (spec) => {
        const renamed = renameReferences(spec, prefixed)
        assert.deepEqual(
          references(renamed).map(({ kind, name }) => [kind, name]),
          references(spec).map(({ kind, name }) => [kind, prefixed(kind, name)]),
        )
        const claims = (spec: PodSpec) => claimsOf({ metadata: { name: 'web' }, spec })
        assert.deepEqual(
          claims(renamed),
          claims(spec).map((name) => prefixed('persistentvolumeclaim', name)),
        )
        const back = renameReferences(renamed, (_, name) => name.replace(/^[a-z]+\./, ''))
        assert.deepEqual(back, spec)
      }),
    )
  })

  it('is the same where the names are', () => {
    fc.assert(
      fc.property(spec, (spec) =>
        assert.deepEqual(
          renameReferences(spec, (_, name) => name),
          spec,
        ),
      ),
    )
  })
})
