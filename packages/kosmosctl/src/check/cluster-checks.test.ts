import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { clusterCondition } from '@kosmos/api'
import { ApiError, ClusterUnreachable, type Node } from '@kosmos/kube'
import { judge } from '../findings/finding.ts'
import { clusterChecks } from './cluster-checks.ts'
import type { ClusterFacts } from './cluster-facts.ts'

const now = Date.parse('2026-11-25T12:00:00Z')
const day = 24 * 3600_000
const conditions = (...chosen: ReturnType<typeof clusterCondition>[]) => ({
  conditions: chosen.map((one) => ({ ...one, lastTransitionTime: '2026-11-25T00:00:00Z' })),
})
const fine = conditions(
  clusterCondition('Reachable', 'LeafReachable'),
  clusterCondition('CredentialsValid', 'CredentialsAccepted'),
  clusterCondition('VirtualNodesReady', 'VirtualNodesReady'),
)
const healthy = {
  now,
  cluster: {
    metadata: { name: 'leaf1' },
    spec: { clusterTreeOptions: { rootAPIServer: 'https://root.example:6443' } },
    status: fine,
  },
  rootAddress: { kind: 'trusted' },
  tokenIssuer: 'https://root.example:6443',
  virtualNodes: [],
  rootVersion: 'v1.37.2',
  credentials: { life: { issuedAt: now - day, expiresAt: now + 29 * day } },
  leaf: { version: 'v1.37.2', clockOffsetMs: 0, missing: [] },
} as unknown as ClusterFacts
const verdictOf = (id: string, differences: Partial<ClusterFacts>) => {
  const found = judge(clusterChecks, { ...healthy, ...differences }).find((finding) => finding.id === id)?.verdict
  assert.ok(found)
  return found
}
const withStatus = (status: unknown) => ({ ...healthy.cluster, status }) as ClusterFacts['cluster']

describe('the check of a leaf', () => {
  it('finds nothing when all is well', () => {
    for (const { id, verdict } of judge(clusterChecks, healthy)) assert.equal(verdict.status, 'ok', id)
  })

  it('passes on what the controllers found, as cause and fix', () => {
    const cluster = withStatus(conditions(clusterCondition('Reachable', 'LeafUnreachable', { detail: 'refused' })))
    const found = verdictOf('reachable', { cluster })
    assert.match(found.what, /^LeafUnreachable: The leaf's API server does not answer$/)
    assert.match('fix' in found ? found.fix : '', /check the server address/)
    assert.match(verdictOf('credentials-valid', { cluster }).what, /no controller has set CredentialsValid/)
  })

  it('tells once that a leaf does not answer, and not as a problem of what follows from it', () => {
    const cluster = withStatus(
      conditions(
        clusterCondition('Reachable', 'LeafUnreachable'),
        clusterCondition('CredentialsValid', 'Unverified'),
        clusterCondition('VirtualNodesReady', 'LeafUnreachable'),
      ),
    )
    const found = ['reachable', 'credentials-valid', 'virtual-nodes-ready'].map(
      (id) => verdictOf(id, { cluster }).status,
    )
    assert.deepEqual(found, ['problem', 'skipped', 'skipped'])
  })

  it('notices a virtual node that is not Ready although the Cluster says so', () => {
    const virtualNodes = [{ metadata: { name: 'kosmos-leaf1' } } as unknown as Node]
    assert.match(verdictOf('virtual-nodes-ready', { virtualNodes }).what, /kosmos-leaf1 is not Ready/)
  })

  it('tells of credentials that ended, and of those that nobody renewed', () => {
    const life = (issuedAt: number, expiresAt: number) => ({ credentials: { life: { issuedAt, expiresAt } } })
    assert.equal(verdictOf('credentials-expiry', life(now - 2 * day, now - day)).status, 'problem')
    assert.equal(verdictOf('credentials-expiry', life(now - 8 * day, now + 2 * day)).status, 'warning')
    assert.equal(verdictOf('credentials-expiry', life(now - 6 * day, now + 4 * day)).status, 'ok')
  })

  it('does not blame a leaf that only this machine cannot reach', () => {
    const error = new ClusterUnreachable('leaf', 'https://leaf', new Error('no route'))
    assert.equal(verdictOf('leaf-from-here', { leaf: { error } }).status, 'skipped')
    assert.equal(verdictOf('leaf-from-here', { leaf: { error }, cluster: withStatus({}) }).status, 'problem')
    assert.equal(verdictOf('leaf-version', { leaf: { error } }).status, 'skipped')
  })

  it('calls nothing a problem of the leaf that the root keeps from who asks', () => {
    const error = new ApiError('root', { method: 'GET', path: '/secrets' }, 403, { status: 'Failure' })
    for (const id of ['credentials-expiry', 'leaf-from-here']) {
      assert.equal(verdictOf(id, { credentials: { error }, leaf: { error } }).status, 'skipped')
    }
  })

  it('takes a refusal by the leaf for what it is', () => {
    const error = new ApiError('leaf', { method: 'GET', path: '/version' }, 401, { status: 'Failure' })
    const found = verdictOf('leaf-from-here', { leaf: { error } })
    assert.equal(found.status, 'problem')
    assert.match('fix' in found ? found.fix : '', /^kosmosctl join leaf1 --kubeconfig LEAF renews/)
  })

  it('names the rights that were taken away', () => {
    const missing = [{ verb: 'create', group: '', resource: 'pods' }]
    const leaf = { version: 'v1.37.2', clockOffsetMs: 0, missing }
    assert.match(verdictOf('leaf-rights', { leaf }).what, /may not create pods/)
  })
})
