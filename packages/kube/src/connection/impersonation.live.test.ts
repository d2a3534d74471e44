import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import { json } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { type ControlPlane, startControlPlane } from '@kosmos/testbed'
import { load } from 'js-yaml'
import { Connection } from './connection.ts'
import { loadKubeConfig } from './kubeconfig.ts'
import { startConnectProxy, startSocksProxy } from './peer.fixture.ts'
import { createTransport } from './transport.ts'

const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews'
const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }
const everybody = 'system:authenticated'

interface Review {
  readonly status: {
    readonly userInfo: { username: string; uid?: string; groups: string[]; extra?: Record<string, string[]> }
  }
}

describe('a kubeconfig that says as whom requests are made', { timeout: 120_000 }, () => {
  let plane: ControlPlane
  before(async () => {
    plane = await startControlPlane({ name: 'impersonation', components: ['etcd', 'kube-apiserver'] })
  })
  after(() => plane?.stop())

  /** A connection by the administrator's kubeconfig, as somebody else. */
  async function connectAs(user: object, way: object = {}): Promise<Connection> {
    const written = load(readFileSync(plane.kubeconfig, 'utf8')) as {
      users: { user: object }[]
      clusters: { cluster: object }[]
    }
    for (const one of written.users) Object.assign(one.user, user)
    for (const one of written.clusters) Object.assign(one.cluster, way)
    return new Connection('root', await createTransport(loadKubeConfig({ text: JSON.stringify(written) })))
  }

  async function whoIs(user: object, headers?: Record<string, string>, way: object = {}) {
    const connection = await connectAs(user, way)
    try {
      const answer = await connection.request({ method: 'POST', path, body, ...(headers && { headers }) })
      assert.equal(answer.code, 201, JSON.stringify(answer.body))
      return (answer.body as Review).status.userInfo
    } finally {
      await connection.close()
    }
  }

  const alice = {
    as: 'alice',
    'as-uid': '1234',
    'as-groups': ['devs', 'ops, too'],
    'as-user-extra': { 'example.com/Scopes': ['view', 'edit'], odd_50ü: ['x'] },
  }

  it('is followed in all that it says: user, uid, each of the groups, and what is extra', async () => {
    const { username, uid, groups, extra } = await whoIs(alice)
    assert.deepEqual(
      { username, uid, groups, extra },
      {
        username: 'alice',
        uid: '1234',
        groups: ['devs', 'ops, too', everybody],
        extra: { 'example.com/scopes': ['view', 'edit'], odd_50ü: ['x'] },
      },
    )
    assert.deepEqual((await whoIs({ as: 'bob', 'as-groups': ['one'] })).groups, ['one', everybody])
    assert.deepEqual((await whoIs({ as: 'bob', 'as-groups': [], 'as-uid': '' })).groups, [everybody])
  })

  it('is followed by way of a proxy, too', async (t) => {
    for (const start of [startConnectProxy, startSocksProxy]) {
      const { url } = await start(t)
      const { groups } = await whoIs(alice, {}, { 'proxy-url': url })
      assert.deepEqual(groups, ['devs', 'ops, too', everybody])
    }
  })

  it('is followed by connections that are upgraded, too', async () => {
    const connection = await connectAs(alice)
    try {
      const { headers, ...options } = await connection.upgradeOptions(path)
      const sent = { ...headers, 'content-type': 'application/json' }
      const answer = await new Promise<Review>((resolve, reject) => {
        const call = request({ ...options, method: 'POST', headers: sent }, (response) =>
          resolve(json(response) as Promise<Review>),
        )
        call.on('error', reject).end(JSON.stringify(body))
      })
      assert.deepEqual(answer.status.userInfo.groups, ['devs', 'ops, too', everybody])
    } finally {
      await connection.close()
    }
  })

  it('leaves nothing of it to a request that names a user itself', async () => {
    const { username, uid, groups } = await whoIs(alice, { 'Impersonate-User': 'carol' })
    assert.deepEqual({ username, uid, groups }, { username: 'carol', uid: undefined, groups: [everybody] })
  })
})
