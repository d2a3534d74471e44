import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { rootClusterLabel } from '@kosmos/api'
import {
  Client,
  configMaps,
  Informer,
  type KubeObject,
  namespaces,
  nodes,
  type Pod,
  pods,
  resource,
  type Secret,
  secrets,
  serviceAccounts,
  unwrap,
} from '@kosmos/kube'
import { startFaultProxy } from '@kosmos/testbed'
import { quoteRefusedSecrets } from '../copies/fixture.ts'
import { copyInformer } from '../copies/informer.ts'
import { connect, eventually, type LiveCluster, startCluster } from '../live.fixture.ts'
import { leafPod } from '../pods/fixture.ts'
import { BoundPods } from '../root/bound-pods.ts'
import type { Notice } from '../root/events.ts'
import { PodsOnNodes } from '../root/pods-on-nodes.ts'
import { RootAuthority } from './authority.ts'
import { PodTokens } from './controller.ts'
import { TokenIssuer } from './issuer.ts'
import { tokenSecretName } from './wishes.ts'

const nodeName = 'kosmos-east'
const namespace = 'shop'
const rootClusterId = 'root-1'
const tokenReviews = resource('authentication.k8s.io/v1', 'TokenReview', 'tokenreviews', 'Cluster')

/** One life of the process, as far as tokens are concerned. */
function startTokens(root: LiveCluster, leaf: LiveCluster, lifeSeconds?: number) {
  const stop = new AbortController()
  const boundPods = new BoundPods(root.client)
  const rootPods = new PodsOnNodes(boundPods)
  rootPods.add(nodeName)
  const ours = { client: leaf.client, labelSelector: `${rootClusterLabel}=${rootClusterId}` }
  const leafPods = new Informer<Pod>({ ...ours, resource: pods })
  const leafSecrets = copyInformer({ ...ours, resource: secrets })
  const rootConfigMaps = new Informer<KubeObject>({ client: root.client, resource: configMaps, metadataOnly: true })
  const issuer = new TokenIssuer(root.client)
  const told: string[] = []
  const tokens = new PodTokens({
    leaf: leaf.client,
    clusterName: 'east',
    rootClusterId,
    rootPods,
    leafPods,
    leafSecrets,
    // An API server issues none for less than ten minutes: what is left of a life is shortened instead.
    issuer: {
      issue: async (pod, wish) => {
        const issued = await issuer.issue(pod, wish)
        return lifeSeconds ? { ...issued, expiresAt: issued.issuedAt + lifeSeconds * 1000 } : issued
      },
    },
    authority: new RootAuthority(root.client, rootConfigMaps),
    events: { record: (_object: KubeObject, { reason, note }: Notice) => told.push(`${reason}: ${note}`) },
  })
  const running = Promise.all(
    [boundPods.informer, leafPods, leafSecrets, rootConfigMaps, tokens.controller].map((each) => each.run(stop.signal)),
  )
  return {
    tokens,
    told,
    end: async () => {
      stop.abort()
      await running
    },
  }
}

describe('tokens of pods in a leaf', () => {
  let root: LiveCluster
  let leaf: LiveCluster

  before(async () => {
    ;[root, leaf] = await Promise.all([startCluster('root'), startCluster('leaf')])
    for (const { client } of [root, leaf]) {
      await client.create(namespaces, { metadata: { name: namespace } })
      await client.create(serviceAccounts, { metadata: { namespace, name: 'default' } })
    }
    await root.client.create(serviceAccounts, { metadata: { namespace, name: 'builder' } })
    await root.client.create(nodes, { metadata: { name: nodeName } })
    // No controller manager publishes it here.
    const metadata = { namespace: 'kube-system', name: 'kube-root-ca.crt' }
    await root.client.create(configMaps, { metadata, data: { 'ca.crt': 'PEM' } } as KubeObject)
  })
  after(() => Promise.all([root?.end(), leaf?.end()]))

  const inRoot = async (name: string, audience?: string, serviceAccountName = 'builder', expirationSeconds = 3607) => {
    const sources = [{ serviceAccountToken: { path: 'token', expirationSeconds, ...(audience && { audience }) } }]
    const spec = {
      nodeName,
      serviceAccountName,
      automountServiceAccountToken: false,
      containers: [{ name: 'main', image: 'i' }],
      volumes: [{ name: 'token', projected: { sources } }],
    }
    return (
      unwrap(await root.client.create<Pod>(pods, { metadata: { namespace, name }, spec } as KubeObject)) ??
      assert.fail()
    )
  }
  /** The copy, as far as tokens depend on it. */
  const inLeaf = async (pod: Pod) => {
    const { metadata } = leafPod(pod)
    const annotations = { ...metadata.annotations, 'kosmos.io/token-secret': tokenSecretName(pod) }
    const labels = { ...metadata.labels, [rootClusterLabel]: rootClusterId }
    const spec = { containers: [{ name: 'main', image: 'i' }], automountServiceAccountToken: false }
    const copy = { metadata: { namespace, name: metadata.name, labels, annotations }, spec }
    return unwrap(await leaf.client.create<Pod>(pods, copy as KubeObject)) ?? assert.fail()
  }
  const secretOf = (pod: Pod): Promise<Secret | undefined> =>
    leaf.client.get(secrets, { namespace, name: tokenSecretName(pod) })
  const delivered = (pod: Pod) => eventually('the Secret is there', () => secretOf(pod))
  const tokenIn = ({ data = {} }: Secret) => {
    const [, value = ''] = Object.entries(data).find(([key]) => key.startsWith('token-')) ?? []
    return Buffer.from(value, 'base64').toString()
  }
  const review = async (token: string, ...audiences: string[]) => {
    const review = { metadata: {}, spec: { token, ...(audiences.length > 0 && { audiences }) } }
    const outcome = await root.client.create(tokenReviews, review as KubeObject)
    return (unwrap(outcome) as { status?: { authenticated?: boolean; user?: { username?: string } } } | undefined)
      ?.status
  }

  it('are delivered with the root’s authority when the pod is in the leaf, and are its account’s', async (t) => {
    const life = startTokens(root, leaf)
    t.after(life.end)
    const pod = await inRoot('first')
    // The root's authorizer hears of a pod of the node a moment after it is stored.
    await eventually('it is issued', async () => (await life.tokens.prepare(pod)) === undefined)
    const copy = await inLeaf(pod)
    const secret = await delivered(pod)
    assert.equal(Buffer.from(secret.data?.['ca.crt'] ?? '', 'base64').toString(), 'PEM')
    assert.equal(secret.metadata.ownerReferences?.[0]?.uid, copy.metadata.uid)
    const status = await review(tokenIn(secret))
    assert.deepEqual(
      [status?.authenticated, status?.user?.username],
      [true, `system:serviceaccount:${namespace}:builder`],
    )
  })

  it('live for as long as the pod asks, and never for the year that an API server makes of its default', async (t) => {
    const life = startTokens(root, leaf)
    t.after(life.end)
    for (const [name, asked, given] of [
      ['brief', 1200, 1200],
      ['usual', 3607, 3600],
    ] as const) {
      const pod = await inRoot(name, undefined, undefined, asked)
      await inLeaf(pod)
      const [, payload = ''] = tokenIn(await delivered(pod)).split('.')
      const { iat, exp } = JSON.parse(Buffer.from(payload, 'base64url').toString())
      assert.equal(exp - iat, given, name)
    }
  })

  it('are worth nothing for another audience, nor once the pod is gone', async (t) => {
    const life = startTokens(root, leaf)
    t.after(life.end)
    const pod = await inRoot('vaulted', 'vault')
    await inLeaf(pod)
    const token = tokenIn(await delivered(pod))
    assert.ok((await review(token, 'vault'))?.authenticated)
    assert.ok(!(await review(token))?.authenticated)
    await root.client.delete(pods, { namespace, name: 'vaulted' }, { gracePeriodSeconds: 0 })
    await eventually('the root does not know it any more', async () => !(await review(token, 'vault'))?.authenticated)
  })

  it('are renewed before they end, by another life of the process as well', async (t) => {
    const first = startTokens(root, leaf, 120)
    const pod = await inRoot('long')
    await inLeaf(pod)
    const before = await delivered(pod)
    await first.end()
    // As if an hour had passed.
    const annotations = { 'kosmos.io/token-renewal': new Date(Date.now() + 1_000).toISOString() }
    const ref = { namespace, name: before.metadata.name }
    await leaf.client.patch(secrets, ref, { metadata: { annotations } }, { type: 'merge' })
    const second = startTokens(root, leaf)
    t.after(second.end)
    const after = await eventually('another token', async () => {
      const now = await secretOf(pod)
      return now && tokenIn(now) !== tokenIn(before) && now
    })
    assert.equal(after.metadata.uid, before.metadata.uid)
    assert.ok((await review(tokenIn(after)))?.authenticated)
  })

  it('come back when somebody deletes their Secret in the leaf', async (t) => {
    const life = startTokens(root, leaf)
    t.after(life.end)
    const pod = await inRoot('robbed')
    await inLeaf(pod)
    const { metadata } = await delivered(pod)
    await leaf.client.delete(secrets, { namespace, name: metadata.name })
    await eventually('another Secret', async () => {
      const now = await secretOf(pod)
      return now && now.metadata.uid !== metadata.uid
    })
  })

  it('come back when somebody writes over them in the leaf, which the pod says', async (t) => {
    const life = startTokens(root, leaf)
    t.after(life.end)
    const pod = await inRoot('overwritten')
    await inLeaf(pod)
    const { data = {}, metadata } = await delivered(pod)
    const change = { data: Object.fromEntries(Object.keys(data).map((key) => [key, 'Zm9yZ2Vk'])) }
    const them = new Client(leaf.client.connection, 'kubectl-edit')
    await them.patch(secrets, { namespace, name: metadata.name }, change, { type: 'merge' })
    await eventually('a token of the root', async () => /^ey/.test(tokenIn((await secretOf(pod)) ?? assert.fail())))
    const said = new RegExp(
      `^ConfigurationChangedInLeaf: Secret ${metadata.name} was changed in cluster east by kubectl-edit`,
    )
    await eventually('it is told', () => life.told.find((one) => said.test(one)))
  })

  it('that the root does not issue keep the pod from being created, with the reason', async (t) => {
    const life = startTokens(root, leaf)
    t.after(life.end)
    await root.client.create(serviceAccounts, { metadata: { namespace, name: 'leaving' } })
    const pod = await inRoot('left', undefined, 'leaving')
    await root.client.delete(serviceAccounts, { namespace, name: 'leaving' })
    await eventually('it is not issued, since its account is gone', async () => {
      const { reason, message = '' } = (await life.tokens.prepare(pod)) ?? {}
      assert.equal(reason, 'TokenNotIssued')
      return /no token of ServiceAccount leaving to pod shop\/left: .*"leaving" not found/.test(message)
    })
  })

  it('are asked for as the node: the root gives us none for accounts that its pods do not use', async (t) => {
    const life = startTokens(root, leaf)
    t.after(life.end)
    const pod = await inRoot('curious')
    const other = { ...pod, spec: { ...pod.spec, serviceAccountName: 'default' } }
    const waiting = await life.tokens.prepare(other)
    assert.match(waiting?.message ?? '', /no relationship found between node 'kosmos-east' and this object/)
  })

  it('are asked for as the node: the root gives us none for audiences that the pod does not ask for', async (t) => {
    const life = startTokens(root, leaf)
    t.after(life.end)
    const pod = await inRoot('plain')
    await eventually('it has its own', async () => (await life.tokens.prepare(pod)) === undefined)
    const sources = [{ serviceAccountToken: { path: 'token', expirationSeconds: 3600, audience: 'vault' } }]
    const wishful = { ...pod.spec, volumes: [{ name: 'token', projected: { sources } }] }
    // Of the first one it remembers what was issued for the pod.
    const other = startTokens(root, leaf)
    t.after(other.end)
    const waiting = await other.tokens.prepare({ ...pod, spec: wishful })
    assert.match(
      waiting?.message ?? '',
      /system:node:kosmos-east is not authorized to request tokens for audience "vault"/,
    )
  })

  it('cost one request in the root and one in the leaf, and none after a restart while none is due', async (t) => {
    const asked: string[] = []
    const counting = async (of: string, cluster: LiveCluster): Promise<LiveCluster> => {
      const client = await connect(of, cluster.controlPlane.kubeconfig, {
        // The root's authorizer may not know of the pod yet.
        onRequest: ({ method, path, code }) => {
          if (method !== 'GET' && code < 400) asked.push(`${method} ${of} ${/token|secrets/.exec(path)?.[0]}`)
        },
      })
      t.after(() => client.connection.close())
      return { ...cluster, client }
    }
    const clusters = await Promise.all([counting('root', root), counting('leaf', leaf)])
    for (const name of ['thrifty', 'thrifty-too']) {
      const life = startTokens(...clusters)
      const pod = await inRoot(name)
      await eventually('they are issued', async () => (await life.tokens.prepare(pod)) === undefined)
      await inLeaf(pod)
      await delivered(pod)
      await life.end()
    }
    const each = ['POST leaf secrets', 'POST root token']
    assert.deepEqual(asked.sort(), [...each, ...each].sort())
  })

  it('that the leaf does not take are told on the root pod, without their content', async (t) => {
    const life = startTokens(root, leaf)
    t.after(life.end)
    const quota = { metadata: { namespace, name: 'no-secrets' }, spec: { hard: { 'count/secrets': '0' } } }
    const quotas = resource('v1', 'ResourceQuota', 'resourcequotas', 'Namespaced')
    const made = unwrap(await leaf.client.create<KubeObject>(quotas, quota as KubeObject))
    t.after(() => leaf.client.delete(quotas, { namespace, name: 'no-secrets' }))
    await leaf.client.replace(
      quotas,
      { ...made, status: { hard: quota.spec.hard, used: { 'count/secrets': '0' } } } as KubeObject,
      {
        subresource: 'status',
      },
    )
    const pod = await inRoot('refused')
    await inLeaf(pod)
    await eventually('the pod says so', () => life.told.some((said) => /TokensNotDelivered.*quota/.test(said)))
    // Also when what refuses it quotes it.
    t.after(await quoteRefusedSecrets(leaf.client, namespace))
    await inLeaf(await inRoot('quoted'))
    await eventually('a pod says so', () => life.told.some((said) => /talkative.*: not \[left out\]/.test(said)))
    assert.doesNotMatch(life.told.join(), /eyJ|ZXlK/)
  })

  it('that the leaf answers with an error are told on the root pod without its words, and come when it has recovered', async (t) => {
    const proxy = await startFaultProxy({ target: leaf.controlPlane })
    t.after(() => proxy.close())
    const client = await connect('leaf', proxy.kubeconfig)
    t.after(() => client.connection.close())
    proxy.answer(500, {
      match: (method, path) => method === 'POST' && path.includes('/secrets'),
      message: 'transform failed: precious',
    })
    const life = startTokens(root, { ...leaf, client })
    t.after(life.end)
    const pod = await inRoot('unlucky')
    await inLeaf(pod)
    await eventually('the pod says so', () =>
      life.told.some((said) => /TokensNotDelivered: .*error 500 InternalError \(its words are left out/.test(said)),
    )
    assert.doesNotMatch(life.told.join(), /precious/)
    await proxy.restore()
    await eventually('they are there', () => leaf.client.get(secrets, { namespace, name: tokenSecretName(pod) }))
  })
})
