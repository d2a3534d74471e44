import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Lease, Node } from '@kosmos/kube'
import { judge } from '../findings/finding.ts'
import { rootChecks } from './root-checks.ts'
import type { RootFacts } from './root-facts.ts'

const now = Date.parse('2026-11-25T12:00:00Z')
const lease = (ageSeconds: number) =>
  ({ spec: { renewTime: new Date(now - ageSeconds * 1000).toISOString() } }) as unknown as Lease
const node = (addresses: readonly object[]) =>
  ({ metadata: { name: 'kosmos-leaf1' }, status: { addresses } }) as unknown as Node
const healthy: RootFacts = {
  now,
  version: 'v1.37.2',
  clockOffsetMs: 0,
  definition: 'current',
  controller: { deployment: undefined, pods: [] },
  leases: [lease(5)],
  nodes: [],
  virtualNodes: [node([{ type: 'InternalIP', address: '10.0.0.1' }])],
  probes: [{ node: 'kosmos-leaf1', addresses: [], code: 200, message: 'ok' }],
  servingRequests: [],
  admission: { servesPolicies: true, hasPolicies: true, webhooks: undefined },
}
const verdictOf = (id: string, differences: Partial<RootFacts>) => {
  const found = judge(rootChecks, { ...healthy, ...differences }).find((finding) => finding.id === id)?.verdict
  assert.ok(found)
  return found
}

describe('the check of a root', () => {
  it('finds no problem when all is well', () => {
    for (const { id, verdict } of judge(rootChecks, healthy)) assert.notEqual(verdict.status, 'problem', id)
  })

  it('says how pods come to wait for their places', () => {
    const admission = (differences: Partial<RootFacts['admission']>) => {
      const none = { servesPolicies: false, hasPolicies: false, webhooks: undefined }
      return verdictOf('placement-admission', { admission: { ...none, ...differences } })
    }
    assert.match(admission({ servesPolicies: true, hasPolicies: true }).what, /by admission policies/)
    assert.deepEqual([admission({ webhooks: 3 }).status, admission({}).status], ['ok', 'skipped'])
    assert.match(admission({ webhooks: 3 }).what, /by a webhook/)
    assert.equal(admission({ webhooks: 0 }).status, 'problem')
    assert.equal(admission({ webhooks: 3, servesPolicies: true }).status, 'warning')
  })

  it('notices that no controller is at work, by leases that nobody renews', () => {
    assert.equal(verdictOf('controller', { leases: [lease(300), lease(20)] }).status, 'ok')
    assert.match(verdictOf('controller', { leases: [lease(300)] }).what, /for 300 s/)
    assert.match(verdictOf('controller', { leases: [] }).what, /none is installed/)
  })

  it('names the setting on k3s and RKE2 before and after it goes wrong', () => {
    const failed = { node: 'kosmos-leaf1', addresses: [], code: 500, message: '502 Bad Gateway' }
    const onK3s = (probes: RootFacts['probes']) => verdictOf('egress-tunnel', { version: 'v1.37.2+k3s1', probes })
    assert.equal(onK3s([]).status, 'warning')
    assert.equal(onK3s([failed]).status, 'problem')
    assert.equal(onK3s(healthy.probes).status, 'ok')
    const found = onK3s([failed])
    assert.match('fix' in found ? found.fix : '', /egress-selector-mode: disabled/)
  })

  it('notices a virtual node without an address that the API server would use', () => {
    const virtualNodes = [node([{ type: 'Hostname', address: 'kosmos-leaf1' }])]
    assert.match(verdictOf('node-addresses', { virtualNodes }).what, /kosmos-leaf1 has no InternalIP/)
  })

  it('reports the worst of several nodes', () => {
    const probes = [...healthy.probes, { node: 'kosmos-leaf2', addresses: [], code: 401, message: 'Unauthorized' }]
    assert.match(verdictOf('kubelet-api', { probes }).what, /kosmos-leaf2/)
  })

  it('notices kinds that are missing or of another version', () => {
    assert.equal(verdictOf('crds', { definition: 'missing' }).status, 'problem')
    assert.equal(verdictOf('crds', { definition: 'other' }).status, 'warning')
  })
})
