import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Cluster } from '@kosmos/api'
import type { Secret } from '../objects/types.ts'
import { kubeconfig } from '../testing/index.ts'
import { readCredentials } from './credentials.ts'

const cluster = (ref?: Partial<{ namespace: string; name: string; key: string }>) =>
  ({
    spec: {
      namespace: 'kosmos-system',
      ...(ref && { credentialsSecretRef: { namespace: 'kosmos-system', name: 'leaf', key: 'kubeconfig', ...ref } }),
    },
  }) as Pick<Cluster, 'spec'>

const secret = (data: Record<string, string> | undefined) =>
  ({
    metadata: { name: 'leaf', namespace: 'kosmos-system', uid: 'u', resourceVersion: '1' },
    ...(data && {
      data: Object.fromEntries(Object.entries(data).map(([k, v]) => [k, Buffer.from(v).toString('base64')])),
    }),
  }) as Secret

const read = (text: string) => readCredentials(cluster({}), () => secret({ kubeconfig: text }))
const reasonOf = (text: string) => {
  const credentials = read(text)
  return credentials.ok ? 'accepted' : credentials.reason
}

describe('the credentials of a Cluster', () => {
  it('are the kubeconfig in the Secret that it names', () => {
    const asked: string[] = []
    const text = kubeconfig()
    const credentials = readCredentials(cluster({ name: 'other', key: 'config' }), (namespace, name) => {
      asked.push(`${namespace}/${name}`)
      return secret({ config: text })
    })
    assert.deepEqual(credentials, { ok: true, kubeconfig: text })
    assert.deepEqual(asked, ['kosmos-system/other'])
  })

  it('are missing while it names none', () => {
    const credentials = readCredentials(cluster(), () => assert.fail('nothing is to be read'))
    assert.deepEqual(credentials, { ok: false, reason: 'CredentialsMissing' })
  })

  it('are never read from another namespace, where anybody could point us', () => {
    const credentials = readCredentials(cluster({ namespace: 'kube-system' }), () =>
      assert.fail('nothing is to be read'),
    )
    assert.equal(!credentials.ok && credentials.reason, 'SecretNotFound')
    assert.match((!credentials.ok && credentials.detail) || '', /only Secrets in kosmos-system/)
  })

  it('name the Secret or the key that does not exist', () => {
    const absent = readCredentials(cluster({}), () => undefined)
    assert.deepEqual(absent, { ok: false, reason: 'SecretNotFound', detail: 'kosmos-system/leaf' })
    for (const data of [undefined, {}, { other: 'x' }, { kubeconfig: '' }]) {
      const credentials = readCredentials(cluster({}), () => secret(data))
      assert.equal(!credentials.ok && credentials.reason, 'SecretKeyMissing')
    }
  })

  it('are invalid when they are no kubeconfig, which is not repeated in what is said', () => {
    for (const text of ['password: hunter2\n  broken', '\u0000', '[]', 'hunter2', '{"clusters":[]}']) {
      const credentials = read(text)
      assert.equal(!credentials.ok && credentials.reason, 'KubeconfigInvalid', text)
      assert.doesNotMatch(JSON.stringify(credentials), /hunter2/)
    }
  })

  it('are invalid when the server is not verified', () => {
    assert.equal(reasonOf(kubeconfig({ cluster: { 'insecure-skip-tls-verify': true } })), 'KubeconfigInvalid')
    assert.equal(reasonOf(kubeconfig({ cluster: { server: 'http://leaf.example' } })), 'KubeconfigInvalid')
  })

  for (const [what, parts] of Object.entries({
    'an exec plug-in': { user: { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: '/bin/sh' } } },
    'a token file': { user: { tokenFile: '/var/run/secrets/kubernetes.io/serviceaccount/token' } },
    'certificate files': { user: { 'client-certificate': '/tmp/c.pem', 'client-key': '/tmp/k.pem' } },
    'a CA file': { cluster: { 'certificate-authority': '/tmp/ca.pem' } },
    'an auth-provider': { user: { 'auth-provider': { name: 'gcp' } } },
  })) {
    it(`are refused when they use ${what} of this machine`, () => {
      assert.equal(reasonOf(kubeconfig(parts)), 'KubeconfigNotSelfContained')
    })
  }
})
