import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { describe, it } from 'node:test'
import { load } from 'js-yaml'
import { createAuthority, openAuthority } from './authority.ts'
import { kubeconfig } from './kubeconfig.ts'

describe('a certificate authority of the test bed', () => {
  it('signs certificates that chain to it and name what was asked for', async () => {
    const authority = await createAuthority('test-ca')
    const { certificate } = await authority.issue({
      commonName: 'admin',
      organizations: ['system:masters'],
      hosts: ['example.test', '10.0.0.1'],
    })
    const parsed = new X509Certificate(certificate)
    assert.ok(parsed.verify(new X509Certificate(authority.certificate).publicKey))
    assert.equal(parsed.subject, 'O=system:masters\nCN=admin')
    assert.equal(parsed.subjectAltName, 'DNS:example.test, IP Address:10.0.0.1')
    assert.equal(parsed.ca, false)
  })

  it('signs on after it was read back from its files', async () => {
    const { certificate, key } = await createAuthority('test-ca')
    const issued = await (await openAuthority({ certificate, key })).issue({ commonName: 'later', client: true })
    assert.ok(new X509Certificate(issued.certificate).checkIssued(new X509Certificate(certificate)))
  })
})

describe('a kubeconfig of the test bed', () => {
  it('holds everything inline', () => {
    const text = kubeconfig({ name: 'leaf1', server: 'https://127.64.0.1:6443', ca: 'CA', user: { token: 't' } })
    assert.deepEqual(load(text), {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        { name: 'leaf1', cluster: { server: 'https://127.64.0.1:6443', 'certificate-authority-data': 'Q0E=' } },
      ],
      users: [{ name: 'leaf1', user: { token: 't' } }],
      contexts: [{ name: 'leaf1', context: { cluster: 'leaf1', user: 'leaf1' } }],
      'current-context': 'leaf1',
    })
  })
})
