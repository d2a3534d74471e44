import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { leafClaimAnnotation, rootUidAnnotation } from '@kosmos/api'
import type { PersistentVolume, PersistentVolumeClaim } from '@kosmos/kube'
import fc from 'fast-check'
import { claimStateOf } from './claim-state.ts'
import { planVolume, type VolumeView } from './plan.ts'

const claim = (volumeName?: string, phase = volumeName ? 'Bound' : 'Pending') =>
  ({
    metadata: { name: 'data', namespace: 'shop', uid: 'c-2', resourceVersion: '1' },
    spec: { ...(volumeName && { volumeName }), resources: { requests: { storage: '1Gi' } } },
    status: { phase },
  }) as unknown as PersistentVolumeClaim
/** A volume of the root in this leaf, made for a claim; `seen`: the leaf had its claim. */
const volume = (name: string, { of = 'c-2', seen = false } = {}) =>
  ({
    metadata: { name, uid: name, resourceVersion: '1', annotations: { ...(seen && { [leafClaimAnnotation]: 'l-1' }) } },
    spec: { claimRef: { namespace: 'shop', name: 'data', uid: of } },
    status: { phase: 'Bound' },
  }) as unknown as PersistentVolume
const leafClaim = (of = 'c-2') =>
  ({
    metadata: { name: 'data', uid: 'l-1', resourceVersion: '1', annotations: { [rootUidAnnotation]: of } },
  }) as unknown as PersistentVolumeClaim

const nothing = { claim: undefined, volumes: [], leafClaim: undefined, isAskedFor: false }
const viewOf = (parts: Partial<VolumeView>): VolumeView => ({
  ...nothing,
  isOfOtherClass: false,
  attributesClassNames: {},
  ...parts,
})
const stateOf = (parts: Partial<VolumeView>, isRefused = false) => claimStateOf(viewOf(parts), isRefused)

describe('a claim that a pod of a leaf needs', () => {
  it('is missing when the root has none', () => {
    assert.equal(stateOf({ leafClaim: leafClaim(), volumes: [volume('pv')] }), 'missing')
  })

  it('is unbound while nobody is to make its volume, and pending when this leaf is', () => {
    assert.equal(stateOf({ claim: claim() }), 'unbound')
    assert.equal(stateOf({ claim: claim(), isAskedFor: true }), 'pending')
    assert.equal(stateOf({ claim: claim(), isAskedFor: true }, true), 'refused')
  })

  it('is elsewhere when its volume is not one of this leaf, whatever else the leaf has', () => {
    assert.equal(stateOf({ claim: claim('other') }), 'elsewhere')
    assert.equal(stateOf({ claim: claim('other'), volumes: [volume('pv')], leafClaim: leafClaim() }), 'elsewhere')
  })

  it('is current with a claim in the leaf, not with one of the claim before it', () => {
    const bound = { claim: claim('pv'), volumes: [volume('pv')] }
    assert.equal(stateOf({ ...bound, leafClaim: leafClaim() }), 'current')
    assert.equal(stateOf({ ...bound, leafClaim: leafClaim('c-1') }), 'pending')
    assert.equal(stateOf(bound), 'pending')
    assert.equal(stateOf(bound, true), 'refused')
  })

  it('is lost when the leaf had it and has it no more; what the leaf refuses is no matter then', () => {
    const bound = { claim: claim('pv'), volumes: [volume('pv', { seen: true })] }
    assert.equal(stateOf(bound, true), 'lost')
    assert.equal(stateOf({ ...bound, leafClaim: leafClaim('c-1') }), 'pending')
  })

  it('says of itself what is being done for it', () => {
    const views = fc.record({
      claim: fc.option(fc.constantFrom(claim(), claim('pv'), claim('other')), { nil: undefined }),
      volumes: fc.uniqueArray(
        fc.constantFrom(volume('pv'), volume('pv', { seen: true }), volume('before', { of: 'c-1', seen: true })),
        { selector: ({ metadata }) => metadata.name },
      ),
      leafClaim: fc.option(fc.constantFrom(leafClaim(), leafClaim('c-1')), { nil: undefined }),
      isAskedFor: fc.boolean(),
    })
    fc.assert(
      fc.property(views, (parts) => {
        const { kind } = planVolume(viewOf(parts))
        const state = stateOf(parts)
        if (kind === 'createLeafClaim') assert.equal(state, 'pending')
        if (kind === 'provision') assert(state === 'pending' || state === 'current', state)
        // What is in the way goes first; and the root itself binds a claim to the volume that we made.
        const isInTheWay = parts.leafClaim !== undefined || parts.volumes.some(({ metadata }) => metadata.name !== 'pv')
        const isTheRoots = parts.volumes.length > 0 && parts.claim?.spec?.volumeName === undefined
        if (state === 'pending' && !isInTheWay && !isTheRoots) assert.notEqual(kind, 'none')
      }),
    )
  })
})
