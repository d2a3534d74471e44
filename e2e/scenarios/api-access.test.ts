import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { configMaps, type KubeObject, leases, pods, resource, secrets, unwrap } from '@kosmos/kube'
import { imageNames } from '@kosmos/testbed'
import { pod } from '../platform/manifests.ts'
import { type NodeProgram, nodeProgram } from '../platform/node-program.ts'
import { eventually, type Platform, startPlatform } from '../platform/platform.ts'

const isRoot = process.getuid?.() === 0

/** Minutes that a program with tokens of ten minutes is watched for; by default it is not. */
const TOKEN_MINUTES = Number(process.env.KOSMOS_TOKEN_MINUTES ?? 0)

const API_ACCESS = '/var/run/secrets/kubernetes.io/serviceaccount'

const tokenReviews = resource('authentication.k8s.io/v1', 'TokenReview', 'tokenreviews', 'Cluster')

interface TokenReview extends KubeObject {
  readonly status?: {
    readonly authenticated?: boolean
    readonly user?: { readonly username?: string; readonly extra?: Readonly<Record<string, readonly string[]>> }
  }
}

/** The tokens that the program says it logs in with, in order: hashes in base64url, which may begin with a dash. */
const loginsIn = (log: string): readonly string[] => log.match(/(?<=authz_header=)[\w-]+/g) ?? []

/** A service account, and what it may do: read pods of its namespace, and hold Leases there. */
const reader = [
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace: 'default', name: 'reader' } },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { namespace: 'default', name: 'reader' },
    rules: [
      { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create', 'get', 'update'] },
    ],
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
  let program: NodeProgram
  const kubectl = (...args: string[]) => platform.kubectl(args)
  const ready = async (name: string) => {
    const { code, stderr } = await kubectl('wait', '--for=condition=Ready', `pod/${name}`, '--timeout=240s')
    assert.equal(code, 0, stderr)
  }
  const secretOf = async (name: string) => {
    const root = await platform.root.get(pods, { namespace: 'default', name })
    return { namespace: 'default', name: `kosmos-tokens-${root?.metadata.uid}` }
  }

  /** What the program in the pod logs is that it logs in, again and again; fails with what else it, or kubectl, says. */
  const askedTwice = async (name: string) => {
    const { code, stdout, stderr } = await kubectl('logs', name)
    assert.equal(code, 0, stderr)
    assert.doesNotMatch(stdout, /\berr(or)?\b/i)
    assert(loginsIn(stdout).length >= 2, stdout)
    return true
  }

  before(async () => {
    const dir = await mkdtemp(path.join(tmpdir(), 'kosmos-'))
    try {
      program = await nodeProgram('client-node', dir)
    } finally {
      await rm(dir, { recursive: true })
    }
    const { archive } = program
    platform = await startPlatform('api-access', {
      leaves: 1,
      nodes: 'real:1',
      images: ['busybox', 'agnhost'],
      archives: [archive],
    })
    await platform.apply(...reader)
    await platform.apply(
      pod('client', {
        spec: { serviceAccountName: 'reader' },
        container: { image: imageNames.agnhost, args: ['pause'] },
      }),
    )
    const configMap = (name: string, word: string) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace: 'default', name },
      data: { word },
    })
    const volumes = [
      { name: 'later', configMap: { name: 'later', optional: true } },
      { name: 'secret', secret: { secretName: 'later', optional: true } },
      { name: 'changed', configMap: { name: 'changed' } },
    ]
    const volumeMounts = volumes.map(({ name }) => ({ name, mountPath: `/${name}` }))
    await platform.apply(
      configMap('changed', 'before'),
      pod('patient', { spec: { volumes }, container: { command: ['sleep', '3600'], volumeMounts } }),
    )
    await ready('client')
    await ready('patient')
    await platform.apply(configMap('later', 'here'), configMap('changed', 'after'), {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace: 'default', name: 'later' },
      stringData: { word: 'hidden' },
    })
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
    await eventually('it has asked twice', () => askedTwice('in-cluster'))
  })

  it('goes on with a new token when the one it has is renewed, without a restart', async () => {
    const [leaf] = platform.leaves
    assert(leaf)
    const hashes = async () => {
      const { stdout } = await kubectl('logs', 'in-cluster')
      return new Set(loginsIn(stdout))
    }
    const [before] = await hashes()
    const ref = await secretOf('in-cluster')
    const { metadata } = (await leaf.get(secrets, ref)) ?? assert.fail()
    // As if 80 % of its life were over.
    const due = { metadata: { annotations: { 'kosmos.io/token-renewal': new Date().toISOString() } } }
    await leaf.patch(secrets, ref, due, { type: 'merge' })
    const renewed = await eventually('the Secret has another token', async () => {
      const now = await leaf.get(secrets, ref)
      return now?.metadata.resourceVersion !== metadata.resourceVersion && now
    })
    assert.equal(renewed.metadata.uid, metadata.uid)
    // The kubelet of the leaf writes the file anew within its sync period, client-go reads it once a minute.
    await eventually('the program uses it', async () => {
      const seen = await hashes()
      return seen.size > 1 && seen.has(before ?? '')
    })
    const { stdout } = await kubectl('logs', 'in-cluster')
    assert.doesNotMatch(stdout, /\berr(or)?\b/i)
    const { status } = (await platform.root.get(pods, { namespace: 'default', name: 'in-cluster' })) ?? assert.fail()
    assert.equal(status?.containerStatuses?.[0]?.restartCount, 0)
  })

  describe('has files that follow the root while it runs', () => {
    // A kubelet looks at the volumes of a pod about once a minute.
    const says = async (file: string, word: string) => {
      await eventually(`${file} says ${word}`, async () => {
        return (await kubectl('exec', 'patient', '--', 'cat', file)).stdout === word
      })
    }

    it('of a ConfigMap that it can do without, and that came later', async () => await says('/later/word', 'here'))
    it('of such a Secret', async () => await says('/secret/word', 'hidden'))
    it('of a ConfigMap that changed', async () => await says('/changed/word', 'after'))
  })

  it(`keeps its access for longer than three of its tokens live (KOSMOS_TOKEN_MINUTES=${TOKEN_MINUTES})`, {
    skip: TOKEN_MINUTES > 0 ? false : 'takes half an hour: KOSMOS_TOKEN_MINUTES=31',
    timeout: (TOKEN_MINUTES + 10) * 60_000,
  }, async () => {
    const sources = [
      { serviceAccountToken: { path: 'token', expirationSeconds: 600 } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
    ]
    await platform.apply(
      pod('lasting', {
        spec: { automountServiceAccountToken: false, volumes: [{ name: 'token', projected: { sources } }] },
        container: {
          image: imageNames.agnhost,
          args: ['inclusterclient', '--poll-interval=5'],
          volumeMounts: [{ name: 'token', mountPath: API_ACCESS }],
        },
      }),
    )
    await ready('lasting')
    await sleep(TOKEN_MINUTES * 60_000)
    const { stdout } = await kubectl('logs', 'lasting')
    assert.doesNotMatch(stdout, /\berr(or)?\b/i)
    assert.ok(new Set(loginsIn(stdout)).size >= TOKEN_MINUTES / 10)
    await eventually('it still logs in', async () => {
      const { stdout } = await kubectl('logs', 'lasting', '--since=15s')
      return loginsIn(stdout).length > 0
    })
  })

  it('lists, watches and holds a Lease, when it is written for Node with client-node', async () => {
    const container = { image: program.image }
    await platform.apply(pod('of-node', { spec: { serviceAccountName: 'reader' }, container }))
    await ready('of-node')
    const says = (line: RegExp) => async () => line.test((await kubectl('logs', 'of-node')).stdout)
    await eventually('it has listed', says(/^listed \d+ pods$/m))
    await platform.apply(pod('passer-by'))
    await eventually('it sees who comes', says(/^saw passer-by$/m))
    await kubectl('delete', 'pod', 'passer-by', '--wait=false')
    await eventually('and who goes', says(/^lost passer-by$/m))
    const lease = () => platform.root.get(leases, { namespace: 'default', name: 'client-node' })
    const first = await eventually('it holds the Lease', lease)
    assert.equal(first.spec?.holderIdentity, 'of-node')
    await eventually('it renews it', async () => (await lease())?.spec?.renewTime !== first.spec?.renewTime)
    assert.doesNotMatch((await kubectl('logs', 'of-node')).stdout, /error/)
  })

  it('knows whose a token of another pod is, by the keys that the root publishes', async () => {
    const { stdout: token } = await kubectl('exec', 'client', '--', 'cat', `${API_ACCESS}/token`)
    const verify = (token: string) => kubectl('exec', 'of-node', '--', 'node', '/program.mjs', 'verify', token)
    const { stdout, stderr } = await verify(token)
    assert.match(stdout, /sub/, stderr)
    const claims = JSON.parse(stdout)
    assert.equal(claims.sub, 'system:serviceaccount:default:reader')
    assert.equal(claims['kubernetes.io'].pod.name, 'client')
    const [head, , signature] = token.split('.')
    const forged = Buffer.from(JSON.stringify({ ...claims, sub: 'system:admin' })).toString('base64url')
    assert.match((await verify(`${head}.${forged}.${signature}`)).stderr, /not of this API server/)
  })

  it('logs in with the long-lived token of a Secret that it mounts', async () => {
    const metadata = {
      namespace: 'default',
      name: 'reader-token',
      annotations: { 'kubernetes.io/service-account.name': 'reader' },
    }
    await platform.apply({ apiVersion: 'v1', kind: 'Secret', metadata, type: 'kubernetes.io/service-account-token' })
    await platform.apply(
      pod('legacy', {
        spec: {
          serviceAccountName: 'reader',
          automountServiceAccountToken: false,
          volumes: [{ name: 'token', secret: { secretName: 'reader-token' } }],
        },
        container: {
          image: imageNames.agnhost,
          args: ['inclusterclient', '--poll-interval=1'],
          volumeMounts: [{ name: 'token', mountPath: API_ACCESS }],
        },
      }),
    )
    await ready('legacy')
    await eventually('it has asked twice', () => askedTwice('legacy'))
  })

  it('leave in the leaf nothing that is good for more in the root than they are', async () => {
    const [leaf] = platform.leaves
    assert(leaf)
    const values = [...(await leaf.listAll(secrets, {})), ...(await leaf.listAll(configMaps, {}))].flatMap(
      ({ metadata, data = {} }) =>
        Object.entries(data).map(([key, value]) => ({ at: `${metadata.name}/${key}`, value })),
    )
    const texts = values.flatMap(({ at, value }) => [
      { at, text: value },
      { at, text: Buffer.from(value, 'base64').toString() },
    ])
    const kubeconfigs = texts.filter(({ text }) => /client-key|client-certificate|current-context/.test(text))
    assert.deepEqual(kubeconfigs, [], 'no credentials of Kosmos or of people')
    const isToken = /^[\w-]+\.[\w-]+\.[\w-]+$/
    const whose = new Set<string>()
    for (const { at, text } of texts.filter(({ text }) => isToken.test(text))) {
      const review = { metadata: {}, spec: { token: text } } as KubeObject
      const answer = unwrap(await platform.root.create<TokenReview>(tokenReviews, review))
      const { authenticated, user } = answer?.status ?? {}
      if (!authenticated) continue
      const [podName] = user?.extra?.['authentication.kubernetes.io/pod-name'] ?? []
      whose.add(`${user?.username} ${at.startsWith('reader-token/') ? 'by its Secret' : podName && 'as a pod'}`)
    }
    assert.ok(whose.has('system:serviceaccount:default:reader as a pod'))
    assert.ok(whose.has('system:serviceaccount:default:reader by its Secret'))
    for (const one of whose) assert.match(one, /^system:serviceaccount:default:\w+ (?:as a pod|by its Secret)$/)
  })

  it('have nothing of a long-lived token any more when its Secret is deleted in the root, though the leaf has it', async () => {
    const ref = { namespace: 'default', name: 'reader-token' }
    const [leaf] = platform.leaves
    const copy = (await leaf?.get(secrets, ref)) ?? assert.fail()
    const token = Buffer.from(copy.data?.token ?? '', 'base64').toString()
    await kubectl('delete', 'secret', ref.name)
    await eventually('the root does not take it', async () => {
      const review = { metadata: {}, spec: { token } } as KubeObject
      return unwrap(await platform.root.create<TokenReview>(tokenReviews, review))?.status?.authenticated !== true
    })
  })

  it("may be a service account of the leaf and talk to the leaf's API server, where the Cluster allows it", async () => {
    const asking = pod('of-the-leaf', {
      spec: { serviceAccountName: 'surveyor' },
      container: { image: imageNames.agnhost, args: ['pause'] },
    })
    const { metadata } = asking
    const annotations = { 'kosmos.io/api-server': 'leaf' }
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace: 'default', name: 'surveyor' } }
    await platform.apply(account, { ...asking, metadata: { ...metadata, annotations } })
    await eventually('it is told why it waits', async () => {
      const seen = await platform.root.get(pods, { namespace: 'default', name: 'of-the-leaf' })
      return seen?.status?.reason === 'LeafAPIAccessDenied'
    })
    const [testbedLeaf] = platform.testbed.leaves
    assert(testbedLeaf)
    const inLeaf = (...args: string[]) => platform.kubectlIn(testbedLeaf, ['create', ...args])
    await inLeaf('serviceaccount', 'surveyor')
    await inLeaf('clusterrole', 'surveyor', '--verb=list', '--resource=nodes')
    await inLeaf('clusterrolebinding', 'surveyor', '--clusterrole=surveyor', '--serviceaccount=default:surveyor')
    const patch = { spec: { clusterTreeOptions: { leafAPIAccess: 'Allowed' } } }
    await kubectl('patch', 'clusters.kosmos.io', 'leaf1', '--type=merge', '-p', JSON.stringify(patch))
    await ready('of-the-leaf')
    const script =
      'T=/var/run/secrets/kubernetes.io/serviceaccount; curl -s --cacert $T/ca.crt -H "Authorization: Bearer $(cat $T/token)" https://$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT/api/v1/nodes'
    const { stdout } = await kubectl('exec', 'of-the-leaf', '--', 'sh', '-c', script)
    assert.match(stdout, /"kind": "NodeList"/)
    assert.doesNotMatch(stdout, /kosmos-leaf1/, 'these are the nodes of the root')
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
    /** Whether its kubelet looked in vain, which on a busy machine happens to some. */
    const waited = async (name: string) => {
      await platform.apply(pod(name))
      await ready(name)
      const { stdout } = await kubectl('get', 'events', '--field-selector', `involvedObject.name=${name}`, '-o', 'json')
      return JSON.parse(stdout).items.some(({ reason }: { reason: string }) => reason === 'FailedMount')
    }
    let attempts = 1
    while (await waited(`prompt-${attempts}`)) assert(++attempts <= 10, 'every pod waited for its tokens')
  })

  it('finds who issues its tokens, where the root gives an address for that which the leaf reaches', async () => {
    const { server } = platform.testbed.root
    const discovery = { 'service-account-issuer': server, 'service-account-jwks-uri': `${server}/openid/v1/jwks` }
    const flags = Object.entries(discovery).map(([name, value]) => `--${name}=${value}`)
    // The first one issues; tokens of the one before are accepted still.
    await platform.testbed.root.restart('kube-apiserver', ([program = '', ...argv]) => [program, ...flags, ...argv])
    const source = { serviceAccountToken: { path: 'sa-token', expirationSeconds: 3600, audience: 'peers' } }
    const checks = pod('checks-itself', {
      spec: { restartPolicy: 'Never', volumes: [{ name: 'tokens', projected: { sources: [source] } }] },
      container: {
        image: imageNames.agnhost,
        args: [
          'test-service-account-issuer-discovery',
          '--token-path=/var/run/secrets/tokens/sa-token',
          '--audience=peers',
        ],
        volumeMounts: [{ name: 'tokens', mountPath: '/var/run/secrets/tokens' }],
      },
    })
    await eventually('the root is back', async () => platform.apply(checks).then(() => true))
    const phase = await eventually('it has ended', async () => {
      const seen = await platform.root.get(pods, { namespace: 'default', name: 'checks-itself' })
      return /Succeeded|Failed/.test(seen?.status?.phase ?? '') && seen?.status?.phase
    })
    assert.equal(phase, 'Succeeded', (await kubectl('logs', 'checks-itself')).stdout)
  })
})
