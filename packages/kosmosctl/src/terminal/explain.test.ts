import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ApiError, ClusterUnreachable, KubeConfigError } from '@kosmos/kube'
import { explain, isTlsError } from './explain.ts'
import { Failure } from './failure.ts'

const coded = (code: string, message: string) => Object.assign(new Error(message), { code })
const refusal = (code: number) =>
  new ApiError('root', { method: 'GET', path: '/api/v1/nodes' }, code, { status: 'Failure', message: 'no' })

describe('an error as a person reads it', () => {
  it('is one line, however many the cause had', () => {
    assert.equal(explain(new Error('first\n   second\nthird')).message, 'first; second; third')
  })

  it('says to look at the certificate when TLS is the trouble', () => {
    const error = new ClusterUnreachable('leaf', 'https://x', coded('SELF_SIGNED_CERT_IN_CHAIN', 'self-signed'))
    assert.ok(isTlsError(error))
    assert.match(explain(error).next ?? '', /certificate-authority-data/)
  })

  it('says to look at the network when nobody answers', () => {
    const error = new ClusterUnreachable('leaf', 'https://x', coded('ECONNREFUSED', 'connect ECONNREFUSED'))
    assert.ok(!isTlsError(error))
    assert.match(explain(error).next ?? '', /firewall/)
  })

  it('names the kubeconfig by which it was asked', () => {
    const by = { kubeconfig: 'context "a" in /a', server: 'https://x' }
    const next = (error: Error) => explain(error, by).next ?? ''
    assert.match(next(refusal(401)), /https:\/\/x does not accept the credentials of context "a" in \/a/)
    assert.match(next(refusal(403)), /https:\/\/x was asked by context "a" in \/a/)
    const coming = ['SELF_SIGNED_CERT_IN_CHAIN', 'ECONNREFUSED'].map((code) => coded(code, code))
    for (const cause of coming)
      assert.match(next(new ClusterUnreachable('root', 'https://x', cause)), /\(context "a" in \/a\)/)
  })

  it('says what to do about a refusal', () => {
    assert.match(explain(refusal(401)).next ?? '', /log in/)
    assert.match(explain(refusal(403)).next ?? '', /right/)
    assert.match(explain(refusal(503)).next ?? '', /again/)
  })

  it('says that a cluster is no root when it does not know our kinds', () => {
    const request = { method: 'GET', path: '/apis/kosmos.io/v1alpha1/clusters' }
    const error = new ApiError('root', request, 404, { status: 'Failure', message: '404 page not found' })
    assert.match(explain(error).message, /does not know the kind Cluster/)
    assert.match(explain(error).next ?? '', /--root-kubeconfig/)
  })

  it('points at the contexts when the kubeconfig is at fault', () => {
    assert.match(explain(new KubeConfigError('no context "x"')).next ?? '', /get-contexts/)
  })

  it('stays as it is when it was written for people', () => {
    const failure = new Failure('this', { next: 'that' })
    assert.equal(explain(failure), failure)
  })
})
