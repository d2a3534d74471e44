import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { probeVerdict } from './kubelet-probe.ts'

const verdict = (code: number, message: string, distribution?: 'k3s' | 'RKE2') =>
  probeVerdict({ node: 'kosmos-leaf1', addresses: ['InternalIP 10.1.2.3'], code, message }, distribution)
const fixOf = (found: ReturnType<typeof verdict>) => ('fix' in found ? found.fix : '')

describe('an API server that cannot get logs from a virtual node', () => {
  it('is told apart from one that can', () => {
    assert.equal(verdict(200, 'ok').status, 'ok')
  })

  const cases: readonly [string, number, string, RegExp][] = [
    [
      'an address that is not on the certificate',
      503,
      'error trying to reach service: tls: failed to verify certificate: x509: certificate is valid for 10.9.9.9, not 10.1.2.3',
      /--kubelet-preferred-address-types/,
    ],
    [
      'a CA that does not know the certificate',
      503,
      'error trying to reach service: tls: failed to verify certificate: x509: certificate signed by unknown authority',
      /--kubelet-certificate-authority/,
    ],
    ['a host name', 500, 'dial tcp: lookup kosmos-leaf1 on 10.96.0.10:53: no such host', /preferred-address-types/],
    ['a firewall', 503, 'dial tcp 10.1.2.3:10250: i/o timeout', /firewall/],
    ['a server that does not listen', 503, 'dial tcp 10.1.2.3:10250: connect: connection refused', /--node-address/],
    ['a tunnel without agent', 500, 'No agent available', /egress/],
    ['a client certificate of another CA', 401, 'Unauthorized', /--kubelet-client-certificate/],
    [
      'missing rights of the API server',
      403,
      'Forbidden (user=kube-apiserver, verb=get, resource=nodes, subresource(s)=[proxy])',
      /system:kubelet-api-admin/,
    ],
    ['something else', 500, 'out of luck', /logs of kube-apiserver/],
  ]
  for (const [what, code, message, fix] of cases) {
    it(`because of ${what} is told how to put it right`, () => {
      const found = verdict(code, message)
      assert.equal(found.status, 'problem')
      assert.match(fixOf(found), fix)
      assert.match(found.what, /kosmos-leaf1 \(InternalIP 10\.1\.2\.3\)/)
    })
  }

  it('on k3s and RKE2 is told the setting and its file', () => {
    const tunnel = 'proxy error from 127.0.0.1:6443 while dialing 10.1.2.3:10250, code 502: 502 Bad Gateway'
    assert.match(
      fixOf(verdict(500, tunnel, 'k3s')),
      /egress-selector-mode: disabled in \/etc\/rancher\/k3s\/config\.yaml/,
    )
    assert.match(fixOf(verdict(500, tunnel, 'RKE2')), /rke2\/config\.yaml/)
  })

  it('is not accused of what the leaf cannot do', () => {
    const refused = (host: string) =>
      verdict(
        500,
        `Get "https://${host}:10250/containerLogs/a/b/c": dial tcp ${host}:10250: connect: connection refused`,
      )
    assert.equal(refused('172.16.0.9').status, 'warning')
    assert.match(refused('172.16.0.9').what, /the leaf's does not get through to its own node/)
    assert.equal(refused('10.1.2.3').status, 'problem')
  })

  it('is not accused when the answer says nothing about it', () => {
    assert.equal(verdict(400, 'address not allowed').status, 'skipped')
    assert.equal(verdict(403, 'nodes "kosmos-leaf1" is forbidden: User "x" cannot get resource').status, 'skipped')
  })
})
