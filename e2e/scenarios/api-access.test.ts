import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { pods, secrets } from '@kosmos/kube'
import { imageNames } from '@kosmos/testbed'
import { pod } from '../platform/manifests.ts'
import { eventually, type Platform, startPlatform } from '../platform/platform.ts'

const isRoot = process.getuid?.() === 0

/** A service account, and what it may do: read pods of its namespace. */
const reader = [
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace: 'default', name: 'reader' } },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { namespace: 'default', name: 'reader' },
    rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] }],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { namespace: 'default', name: 'reader' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
    subjects: [{ kind: 'ServiceAccount', namespace: 'default', name: 'reader' }],
  },
]

describe("programs in a leaf that talk to the root's API server", {
  skip: isRoot ? false : 'real nodes need root',
}, () => {
  let platform: Platform
  const kubectl = (...args: string[]) => platform.kubectl(args)
  const ready = async (name: string) => {
    const { code, stderr } = await kubectl('wait', '--for=condition=Ready', `pod/${name}`, '--timeout=90s')
    assert.equal(code, 0, stderr)
  }
  const secretOf = async (name: string) => {
    const root = await platform.root.get(pods, { namespace: 'default', name })
    return { namespace: 'default', name: `kosmos-tokens-${root?.metadata.uid}` }
  }

  before(async () => {
    platform = await startPlatform('api-access', { leaves: 1, nodes: 'real:1', images: ['busybox', 'agnhost'] })
    await platform.apply(...reader)
    await platform.apply(
      pod('client', {
        spec: { serviceAccountName: 'reader' },
        container: { image: imageNames.agnhost, args: ['pause'] },
      }),
    )
    await ready('client')
  })
  after(() => platform?.down())

  describe('kubectl in a pod', () => {
    const inPod = (...args: string[]) => kubectl('exec', 'client', '--', '/tmp/kubectl', ...args)
    before(async () => {
      const { code, stderr } = await kubectl('cp', platform.testbed.bin.kubectl ?? '', 'client:/tmp/kubectl')
      assert.equal(code, 0, stderr)
      await kubectl('exec', 'client', '--', 'chmod', '+x', '/tmp/kubectl')
    })

    it('is the service account of its pod, on the virtual node', async () => {
      const { stdout, stderr } = await inPod('auth', 'whoami', '-o', 'json')
      assert.match(stdout, /userInfo/, stderr)
      const { username, extra } = JSON.parse(stdout).status.userInfo
      assert.equal(username, 'system:serviceaccount:default:reader')
      assert.deepEqual(extra['authentication.kubernetes.io/pod-name'], ['client'])
      assert.deepEqual(extra['authentication.kubernetes.io/node-name'], ['kosmos-leaf1'])
    })

    it('sees the root, and may there what the root allows', async () => {
      const { stdout, stderr } = await inPod('get', 'pods', '-o', 'wide')
      assert.match(stdout, /client.*kosmos-leaf1/, stderr)
      assert.match((await inPod('get', 'secrets')).stderr, /Forbidden.*reader/)
    })
  })

  it('logs in with client-go as a program in any cluster does', async () => {
    const container = { image: imageNames.agnhost, args: ['inclusterclient', '--poll-interval=1'] }
    await platform.apply(pod('in-cluster', { container }))
    await ready('in-cluster')
    const logs = await eventually('it has asked twice', async () => {
      const { stdout } = await kubectl('logs', 'in-cluster')
      return (stdout.match(/authz_header=\w+/g) ?? []).length >= 2 && stdout
    })
    assert.doesNotMatch(logs, /\berr(or)?\b/i)
  })

  it('has its tokens in a Secret of its own, which goes with it', async () => {
    const [leaf] = platform.leaves
    assert(leaf)
    await platform.apply(pod('short'))
    await ready('short')
    const ref = await secretOf('short')
    assert.ok(await leaf.get(secrets, ref))
    await kubectl('delete', 'pod', 'short')
    await eventually('the Secret is gone', async () => !(await leaf.get(secrets, ref)))
  })

  it('starts without waiting for them: they are there before its volumes are made', async () => {
    await platform.apply(pod('prompt'))
    await ready('prompt')
    const { stdout } = await kubectl('get', 'events', '--field-selector=involvedObject.name=prompt', '-o', 'json')
    const reasons = JSON.parse(stdout).items.map(({ reason }: { reason: string }) => reason)
    assert.ok(!reasons.includes('FailedMount'), `${reasons}`)
  })
})
