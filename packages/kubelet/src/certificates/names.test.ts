import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { alternativeNames, generateKeyPair, signing, x509 } from '@kosmos/kube/certificates'
import { objections, type ServingNames, subjectOf } from './names.ts'

const wanted: ServingNames = { nodeName: 'vn1', hosts: ['10.0.0.1', 'fd00::0:1', 'vn1.example'] }

async function request(subject: x509.JsonName, hosts: readonly string[], extra: x509.JsonGeneralName[] = []) {
  const names = [...alternativeNames(hosts).names.items.map(({ type, value }) => ({ type, value })), ...extra]
  return await x509.Pkcs10CertificateRequestGenerator.create({
    name: subject,
    keys: await generateKeyPair(),
    signingAlgorithm: signing,
    extensions: names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : [],
  })
}

describe('a request for a node’s serving certificate', () => {
  it('may be approved when it names the node and its addresses, however they are written', async () => {
    const same = await request(subjectOf('vn1'), ['VN1.example', 'fd00:0:0:0::1', '10.0.0.1'])
    assert.deepEqual(objections(same, wanted), [])
  })

  it('may not when it is for another node or group', async () => {
    for (const subject of [subjectOf('vn2'), [{ O: ['system:masters'] }, { CN: ['system:node:vn1'] }], []]) {
      assert.match(objections(await request(subject, wanted.hosts), wanted).join(), /its subject is/)
    }
  })

  it('may not when it names anything else, of any kind', async () => {
    const more = await request(subjectOf('vn1'), [...wanted.hosts, '9.9.9.9', 'evil.example'])
    assert.deepEqual(
      objections(more, wanted),
      ['it names ip:9.9.9.9, which is not this node’s', 'it names dns:evil.example, which is not this node’s'].map(
        (text) => text.replaceAll('’', "'"),
      ),
    )
    const odd = await request(subjectOf('vn1'), wanted.hosts, [
      { type: 'email', value: 'a@b.c' },
      { type: 'url', value: 'spiffe://x/y' },
    ])
    assert.equal(objections(odd, wanted).length, 2)
  })

  it('may not when it leaves an address out', async () => {
    const less = await request(subjectOf('vn1'), ['10.0.0.1'])
    assert.deepEqual(objections(less, wanted), ['it does not name ip:[fd00::1]', 'it does not name dns:vn1.example'])
    assert.equal(objections(await request(subjectOf('vn1'), []), wanted).length, 3)
  })
})
