import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { systemNamespace } from '@kosmos/api'
import type { Client } from '../client/client.ts'
import { unwrap } from '../client/outcome.ts'
import { loadKubeConfig } from '../connection/kubeconfig.ts'
import { liveCluster } from '../live.fixture.ts'
import { namespaces, secrets, serviceAccounts } from '../objects/resources.ts'
import type { KubeObject, Secret } from '../objects/types.ts'
import { kubeconfig } from '../testing/index.ts'
import { renewToken } from './renewal.ts'
import { tokenClaims } from './token.ts'

const account = { namespace: systemNamespace, name: 'kosmos-root' }

describe('the token by which a leaf is reached', () => {
  // Root and leaf in one: the two are only spoken to, not compared.
  const live = liveCluster()
  let cluster: { readonly client: Client }
  let count = 0

  before(async () => {
    cluster = { client: await live.client() }
    await cluster.client.create(namespaces, { metadata: { name: systemNamespace } })
    await cluster.client.create(serviceAccounts, { metadata: account })
  })

  /** A kubeconfig with a token for ten minutes, and the Secret that holds it. */
  async function joined() {
    const granted = await cluster.client.requestToken(account, { expirationSeconds: 600 })
    const { token } = (unwrap(granted) ?? assert.fail()).status
    const text = kubeconfig({ user: { token }, others: [{ name: 'other', user: { token: 'theirs' } }] })
    const metadata = { namespace: systemNamespace, name: `cluster-${count++}` }
    const data = { kubeconfig: Buffer.from(text).toString('base64'), note: 'AA==' }
    const secret = unwrap(await cluster.client.create(secrets, { metadata, data } as KubeObject)) as Secret
    const claims = tokenClaims(text) ?? assert.fail()
    const options = { root: cluster.client, leaf: cluster.client, secret, key: 'kubeconfig', kubeconfig: text }
    const stored = async () => (await cluster.client.get(secrets, metadata)) ?? assert.fail()
    return { options, token, claims, stored }
  }

  it('is left alone in the first half of its life', async () => {
    const { options, claims, stored } = await joined()
    assert.equal(await renewToken(options, claims.issuedAt + 299_000), false)
    assert.equal((await stored()).metadata.resourceVersion, options.secret.metadata.resourceVersion)
  })

  it('is replaced in the second, by one of the same account and length, where it was', async () => {
    const { options, token, claims, stored } = await joined()
    assert.equal(await renewToken(options, claims.issuedAt + 300_000), true)
    const { data = {} } = await stored()
    assert.equal(data.note, 'AA==')
    const text = Buffer.from(data.kubeconfig ?? '', 'base64').toString()
    const renewed = tokenClaims(text) ?? assert.fail()
    assert.equal(renewed.expiresAt - renewed.issuedAt, 600_000)
    assert.equal(renewed.serviceAccount, account.name)
    const config = loadKubeConfig({ text })
    assert.notEqual(config.getCurrentUser()?.token, token)
    assert.equal(config.getUser('other')?.token, 'theirs')
    const user = { Authorization: `Bearer ${config.getCurrentUser()?.token}` }
    const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }
    const answer = await cluster.client.connection.request({
      method: 'POST',
      path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
      body: review,
      headers: user,
    })
    assert.equal(answer.code, 201)
  })

  it('does not overwrite credentials that somebody has stored meanwhile', async () => {
    const { options, claims, stored } = await joined()
    const { namespace, name } = options.secret.metadata
    const data = { kubeconfig: Buffer.from(kubeconfig({ user: { token: 'newer' } })).toString('base64') }
    const newer = unwrap(
      await cluster.client.patch(secrets, { namespace, name }, { data }, { type: 'merge' }),
    ) as Secret
    const late = claims.issuedAt + 500_000
    // Both when the cache knows of it already and when it does not.
    assert.equal(await renewToken({ ...options, secret: newer }, late), false)
    assert.equal(await renewToken(options, late), false)
    assert.equal((await stored()).data?.kubeconfig, data.kubeconfig)
  })

  it('stays when the leaf does not give another, and it is said why', async () => {
    const { options, claims, stored } = await joined()
    await cluster.client.delete(serviceAccounts, account)
    await assert.rejects(renewToken(options, claims.issuedAt + 500_000), /kosmos-root cannot be renewed: .*not found/)
    assert.equal((await stored()).metadata.resourceVersion, options.secret.metadata.resourceVersion)
    await cluster.client.create(serviceAccounts, { metadata: account })
  })
})
