import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CertificateSigningRequest } from '@kosmos/kube'
import { signerVerdict } from './serving-requests.ts'

const now = Date.parse('2026-11-25T12:00:00Z')
const request = (ageSeconds: number, conditions: readonly string[], certificate?: string) =>
  ({
    metadata: { name: `csr-${ageSeconds}`, creationTimestamp: new Date(now - ageSeconds * 1000).toISOString() },
    spec: { signerName: 'kubernetes.io/kubelet-serving', username: 'system:node:kosmos-leaf1' },
    status: { conditions: conditions.map((type) => ({ type, status: 'True', message: 'because' })), certificate },
  }) as unknown as CertificateSigningRequest
const verdict = (...requests: CertificateSigningRequest[]) =>
  signerVerdict(requests, (user) => user === 'system:node:kosmos-leaf1', now)

describe('a root that signs serving certificates of virtual nodes', () => {
  it('is fine when the latest request has its certificate', () => {
    assert.equal(verdict(request(900, ['Approved']), request(300, ['Approved'], 'PEM')).status, 'ok')
  })

  it('is given a minute', () => assert.equal(verdict(request(30, ['Approved'])).status, 'ok'))

  it('has no signer when an approved request stays without certificate', () => {
    const found = verdict(request(300, ['Approved']))
    assert.equal(found.status, 'problem')
    assert.match('fix' in found ? found.fix : '', /--cluster-signing-cert-file/)
  })

  it('is not to blame when nobody approves', () => {
    assert.match(verdict(request(300, [])).what, /waits for approval/)
  })

  it('tells of a denial and of a refusal to sign', () => {
    assert.match(verdict(request(10, ['Denied'])).what, /was denied: because/)
    assert.match(verdict(request(10, ['Approved', 'Failed'])).what, /was not signed: because/)
  })

  it('is not judged by requests of others', () => {
    assert.equal(signerVerdict([request(300, ['Approved'])], () => false, now).status, 'skipped')
  })
})
