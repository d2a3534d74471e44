import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { KubeConfigError, loadKubeConfig } from './kubeconfig.ts'

const load = (user: object) =>
  loadKubeConfig({
    text: JSON.stringify({
      clusters: [{ name: 'c', cluster: { server: 'https://10.0.0.1:6443' } }],
      users: [{ name: 'u', user: { token: 'hunter2', ...user } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    }),
  })

describe('a kubeconfig of which nobody can tell as whom requests are to be made', () => {
  const cases: readonly [object, RegExp][] = [
    [{ 'as-groups': ['devs'] }, /user "u": as-uid, as-groups and as-user-extra need "as"/],
    [{ 'as-uid': '1' }, /need "as"/],
    [{ 'as-user-extra': { a: ['b'] } }, /need "as"/],
    [{ as: 'alice', 'as-groups': 'devs' }, /user "u": as-groups is not as kubectl has it/],
    [{ as: 'alice', 'as-groups': ['devs', 1] }, /as-groups is not/],
    [{ as: 'alice\nImpersonate-Group: system:masters' }, /as is not/],
    [{ as: ['alice'], 'as-uid': 1 }, /as, as-uid is not/],
    [{ as: 'alice', 'as-user-extra': { scopes: 'view' } }, /as-user-extra is not/],
  ]
  for (const [user, message] of cases) {
    it(`is refused: ${JSON.stringify(user)}`, () => {
      assert.throws(
        () => load(user),
        (error) => {
          assert.ok(error instanceof KubeConfigError)
          assert.match(error.message, message)
          return true
        },
      )
    })
  }

  it('is taken where it says nothing', () => {
    assert.ok(load({ as: null, 'as-groups': [], 'as-uid': '', 'as-user-extra': {} }))
  })
})
