import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { clusterLabel, rootClusterLabel } from '@kosmos/api'
import {
  Client,
  Informer,
  type KubeObject,
  namespaces,
  nodes,
  type Pod,
  type PodCertificateRequest,
  podCertificateRequests,
  pods,
  type Secret,
  secrets,
  servedResource,
  serviceAccounts,
  unwrap,
} from '@kosmos/kube'
import { generatePodKey } from '@kosmos/kubelet'
import { type Authority, createAuthority, startPodCertificateSigner } from '@kosmos/testbed'
import { quoteRefusedSecrets } from '../copies/fixture.ts'
import { copyInformer } from '../copies/informer.ts'
import { eventually, type LiveCluster, startCluster } from '../live.fixture.ts'
import { leafPod } from '../pods/fixture.ts'
import { BoundPods } from '../root/bound-pods.ts'
import type { Notice } from '../root/events.ts'
import { PodsOnNodes } from '../root/pods-on-nodes.ts'
import { PodCertificates, type PodCertificatesOptions } from './controller.ts'
import { CertificateRequests, RequestRefused } from './requests.ts'
import { certificateSecretName, certificateWishes } from './wishes.ts'

const nodeName = 'kosmos-east'
const namespace = 'shop'
const rootClusterId = 'root-1'
const signerName = 'example.com/pods'

describe('certificates of pods in a leaf', () => {
  let root: LiveCluster
  let leaf: LiveCluster
  let authority: Authority
  let nodeUid: string

  before(async () => {
    ;[root, leaf] = await Promise.all([startCluster('root'), startCluster('leaf')])
    authority = await createAuthority('pods')
    for (const { client } of [root, leaf]) {
      await client.create(namespaces, { metadata: { name: namespace } })
      await client.create(serviceAccounts, { metadata: { namespace, name: 'default' } })
    }
    await root.client.create(serviceAccounts, { metadata: { namespace, name: 'builder' } })
    const node = unwrap(await root.client.create(nodes, { metadata: { name: nodeName } })) ?? assert.fail()
    nodeUid = node.metadata.uid
  })
  after(() => Promise.all([root?.end(), leaf?.end()]))

  /** One life of the process, as far as certificates are concerned. */
  const startCertificates = (
    signers: PodCertificatesOptions['signers'] = new CertificateRequests(root.client, () => nodeUid),
  ) => {
    const stop = new AbortController()
    const boundPods = new BoundPods(root.client)
    const rootPods = new PodsOnNodes(boundPods)
    rootPods.add(nodeName)
    const client = new Client(leaf.client.connection, 'kosmos-cluster-tree')
    const ours = { client, labelSelector: `${rootClusterLabel}=${rootClusterId}` }
    const leafPods = new Informer<Pod>({ ...ours, resource: pods })
    const leafSecrets = copyInformer({ ...ours, resource: secrets })
    const requests = new Informer<PodCertificateRequest>({
      client: root.client,
      resource: podCertificateRequests,
      labelSelector: clusterLabel,
    })
    const told: string[] = []
    const woken = new Set<string>()
    const certificates = new PodCertificates({
      leaf: client,
      clusterName: 'east',
      rootClusterId,
      requests,
      signers,
      rootPods,
      leafPods,
      leafSecrets,
      events: { record: (_object: KubeObject, { reason, note }: Notice) => told.push(`${reason}: ${note}`) },
      wake: (pod) => woken.add(pod),
      jitterMs: () => 0,
    })
    const all = [boundPods.informer, leafPods, leafSecrets, requests, certificates.controller]
    const running = Promise.all(all.map((each) => each.run(stop.signal)))
    return {
      certificates,
      rootPods,
      told,
      woken,
      end: async () => {
        stop.abort()
        await running
      },
    }
  }
  const startSigner = (deny?: (request: PodCertificateRequest) => string | undefined) =>
    startPodCertificateSigner({ client: root.client, signerName, authority, ...(deny && { deny }) })
  const inRoot = async (name: string, source: object = {}) => {
    const podCertificate = { signerName, keyType: 'ED25519', credentialBundlePath: 'bundle.pem', ...source }
    const spec = {
      nodeName,
      serviceAccountName: 'builder',
      automountServiceAccountToken: false,
      containers: [{ name: 'main', image: 'i' }],
      volumes: [{ name: 'identity', projected: { sources: [{ podCertificate }] } }],
    }
    return (
      unwrap(await root.client.create<Pod>(pods, { metadata: { namespace, name }, spec } as object)) ?? assert.fail()
    )
  }
  /** The copy, as far as certificates depend on it. */
  const inLeaf = async (pod: Pod) => {
    const { metadata } = leafPod(pod)
    const labels = { ...metadata.labels, [rootClusterLabel]: rootClusterId }
    const spec = { containers: [{ name: 'main', image: 'i' }], automountServiceAccountToken: false }
    const copy = { metadata: { namespace, name: metadata.name, labels, annotations: metadata.annotations }, spec }
    return unwrap(await leaf.client.create<Pod>(pods, copy as object)) ?? assert.fail()
  }
  const secretName = (pod: Pod) => certificateSecretName(pod, certificateWishes(pod.spec)[0]?.id ?? '')
  const secretOf = (pod: Pod): Promise<Secret | undefined> =>
    leaf.client.get(secrets, { namespace, name: secretName(pod) })
  const delivered = (pod: Pod) => eventually('the Secret is there', () => secretOf(pod))
  const read = ({ data = {} }: Secret, key: string) => Buffer.from(data[key] ?? '', 'base64').toString()
  const requestsOf = async (pod: string) => {
    const all = await root.client.listAll<PodCertificateRequest>(podCertificateRequests, { namespace })
    return all.filter(({ spec }) => spec.podName === pod)
  }
  const running = <T extends { end(): Promise<void> }>(t: { after(fn: () => unknown): void }, life: T): T => {
    t.after(() => life.end())
    return life
  }

  it('can be asked for at the pinned version', async () => {
    assert.equal(await servedResource(root.client, [podCertificateRequests]), podCertificateRequests)
  })

  for (const keyType of ['ED25519', 'ECDSAP256', 'RSA3072']) {
    it(`are issued for a key of the pod (${keyType}) before it is in the leaf, and delivered when it is`, async (t) => {
      const life = running(t, startCertificates())
      const signer = startSigner()
      t.after(() => signer.stop())
      const pod = await inRoot(`first-${keyType.toLowerCase()}`, { keyType, userAnnotations: { 'example.com/a': 'b' } })
      await eventually('it may be made, and is woken for that', () => {
        return life.certificates.stateOf(pod) === undefined && life.woken.has(`${namespace}/${pod.metadata.name}`)
      })
      const copy = await inLeaf(pod)
      const secret = await delivered(pod)
      const certificate = new X509Certificate(read(secret, 'chain.pem'))
      assert.ok(certificate.checkPrivateKey(createPrivateKey(read(secret, 'key.pem'))))
      assert.equal(certificate.subject, 'CN=shop/builder')
      assert.equal(read(secret, 'credentials.pem'), `${read(secret, 'key.pem')}${read(secret, 'chain.pem')}`)
      assert.match(
        read(secret, 'chain.pem'),
        /^-----BEGIN CERTIFICATE-----\n[^-]+-----END CERTIFICATE-----\n-----BEGIN/,
      )
      assert.equal(secret.metadata.ownerReferences?.[0]?.uid, copy.metadata.uid)
      const [request, ...more] = await requestsOf(pod.metadata.name)
      assert.deepEqual(request?.spec.unverifiedUserAnnotations, { 'example.com/a': 'b' })
      assert.deepEqual(more, [])
    })
  }

  it('are waited for while the signer does not answer, in words, and the pod is woken the moment it does', async (t) => {
    const life = running(t, startCertificates())
    const pod = await inRoot('patient')
    const waiting = await eventually('it says so', () => {
      const state = life.certificates.stateOf(pod)
      return typeof state === 'object' && state
    })
    assert.equal(waiting.reason, 'PodCertificateNotIssued')
    assert.match(waiting.message, /^signer example\.com\/pods has not answered PodCertificateRequest req-\w+ \(volume/)
    life.woken.clear()
    const signer = startSigner()
    t.after(() => signer.stop())
    await eventually('it is woken', () => life.woken.size > 0 && life.certificates.stateOf(pod) === undefined)
  })

  it('that the signer denies are not asked for again, and the pod says why', async (t) => {
    const life = running(t, startCertificates())
    const signer = startSigner(() => 'nobody knows you')
    t.after(() => signer.stop())
    const pod = await inRoot('unknown')
    const waiting = await eventually('it says so', () => {
      const state = life.certificates.stateOf(pod)
      return typeof state === 'object' && state.reason === 'PodCertificateRefused' && state
    })
    assert.match(
      waiting.message,
      /of signer example\.com\/pods was denied: TestSigner: nobody knows you \(volume identity\)/,
    )
    assert.equal((await requestsOf('unknown')).length, 1)
  })

  it('are renewed when they are due, by another life of the process as well, with another key', async (t) => {
    const first = startCertificates()
    const signer = startSigner()
    t.after(() => signer.stop())
    const pod = await inRoot('long')
    await inLeaf(pod)
    const before = await delivered(pod)
    await first.end()
    // As if half a day had passed.
    const annotations = { 'kosmos.io/certificate-renewal': new Date(Date.now() + 500).toISOString() }
    await leaf.client.patch(
      secrets,
      { namespace, name: before.metadata.name },
      { metadata: { annotations } },
      { type: 'merge' },
    )
    running(t, startCertificates())
    const renewed = await eventually('another key', async () => {
      const now = await secretOf(pod)
      return now && read(now, 'key.pem') !== read(before, 'key.pem') && now
    })
    assert.equal(renewed.metadata.uid, before.metadata.uid)
    assert.ok(
      new X509Certificate(read(renewed, 'chain.pem')).checkPrivateKey(createPrivateKey(read(renewed, 'key.pem'))),
    )
    assert.equal((await requestsOf('long')).length, 2)
  })

  it('stay with the pod when a renewal is denied, which is told', async (t) => {
    const life = running(t, startCertificates())
    let isKnown = true
    const signer = startSigner(() => (isKnown ? undefined : 'not any more'))
    t.after(() => signer.stop())
    const pod = await inRoot('fallen')
    await inLeaf(pod)
    const before = await delivered(pod)
    isKnown = false
    const annotations = { 'kosmos.io/certificate-renewal': new Date(Date.now() - 1).toISOString() }
    await leaf.client.patch(
      secrets,
      { namespace, name: before.metadata.name },
      { metadata: { annotations } },
      { type: 'merge' },
    )
    await eventually('it is told', () => life.told.some((said) => /^PodCertificateNotRenewed.*not any more/.test(said)))
    const now = (await secretOf(pod)) ?? assert.fail()
    assert.equal(read(now, 'key.pem'), read(before, 'key.pem'))
    assert.doesNotMatch(life.told.join(), /PRIVATE/)
  })

  it('that the leaf does not take are told on the pod, without the key', async (t) => {
    const life = running(t, startCertificates())
    const signer = startSigner()
    t.after(() => signer.stop())
    t.after(await quoteRefusedSecrets(leaf.client, namespace))
    const pod = await inRoot('quoted')
    await eventually('it may be made', () => life.certificates.stateOf(pod) === undefined)
    await inLeaf(pod)
    const said = /^PodCertificateNotDelivered: .*talkative.*: not \[left out\] nor \[left out\]/
    await eventually('the pod says so', () => life.told.some((one) => said.test(one)))
    // Of PEM, whole and encoded.
    assert.doesNotMatch(life.told.join(), /-----BEGIN|LS0tLS1CRUdJTi/)
  })

  it('come back with another key when somebody deletes their Secret in the leaf', async (t) => {
    running(t, startCertificates())
    const signer = startSigner()
    t.after(() => signer.stop())
    const pod = await inRoot('robbed')
    await inLeaf(pod)
    const { metadata } = await delivered(pod)
    await leaf.client.delete(secrets, { namespace, name: metadata.name })
    await eventually('another Secret', async () => {
      const now = await secretOf(pod)
      return now && now.metadata.uid !== metadata.uid
    })
  })

  it('come back with another key when somebody writes over them in the leaf, which the pod says, and once', async (t) => {
    const life = running(t, startCertificates())
    const signer = startSigner()
    t.after(() => signer.stop())
    const pod = await inRoot('overwritten')
    await inLeaf(pod)
    const before = await delivered(pod)
    const forged = { data: Object.fromEntries(Object.keys(before.data ?? {}).map((key) => [key, 'Zm9yZ2Vk'])) }
    const them = new Client(leaf.client.connection, 'kubectl-edit')
    unwrap(await them.patch(secrets, before.metadata, forged, { type: 'merge' }))
    const after = await eventually('a certificate of the signer', async () => {
      const now = await secretOf(pod)
      return (
        now &&
        read(now, 'chain.pem').startsWith('-----BEGIN') &&
        read(now, 'key.pem') !== read(before, 'key.pem') &&
        now
      )
    })
    assert.ok(new X509Certificate(read(after, 'chain.pem')).checkPrivateKey(createPrivateKey(read(after, 'key.pem'))))
    assert.equal(after.metadata.uid, before.metadata.uid)
    const said = new RegExp(
      `^ConfigurationChangedInLeaf: Secret ${after.metadata.name} was changed in cluster east by kubectl-edit`,
    )
    await eventually('it is told', () => life.told.find((one) => said.test(one)))
    assert.doesNotMatch(life.told.join(), /forged|Zm9yZ2Vk|PRIVATE/)
    assert.equal((await requestsOf('overwritten')).length, 2)
  })

  it('are asked for as the node: the root takes no request for a signer that the pod does not mount, nor for another node', async () => {
    const pod = await inRoot('curious')
    const [wish] = certificateWishes(pod.spec)
    assert(wish)
    const { request } = await generatePodKey('ED25519')
    const signers = new CertificateRequests(root.client, () => nodeUid)
    const other = { ...wish, source: { ...wish.source, signerName: 'example.com/others' } }
    const refused = (of: Pod, wish: typeof other, why: RegExp) =>
      assert.rejects(signers.ask(of, wish, 'east', request), (error) => {
        assert.ok(error instanceof RequestRefused)
        assert.match(error.message, why)
        return true
      })
    await refused(pod, other, /does not mount a podCertificate projected volume for signer "example\.com\/others"/)
    const elsewhere = { ...pod, spec: { ...pod.spec, nodeName: 'kosmos-west' } }
    await root.client.create(nodes, { metadata: { name: 'kosmos-west' } })
    const west = (await root.client.get(nodes, { name: 'kosmos-west' })) ?? assert.fail()
    const asWest = new CertificateRequests(root.client, () => west.metadata.uid)
    await assert.rejects(asWest.ask(elsewhere, wish, 'west', request), /is not running on node "kosmos-west"/)
    assert.match(await signers.ask(pod, wish, 'east', request), /^req-/)
  })

  it('are not had for an account that is gone, and the pod says so', async (t) => {
    const life = running(t, startCertificates())
    await root.client.create(serviceAccounts, { metadata: { namespace, name: 'leaving' } })
    const podCertificate = { signerName, keyType: 'ED25519', keyPath: 'k', certificateChainPath: 'c' }
    const spec = {
      nodeName,
      serviceAccountName: 'leaving',
      automountServiceAccountToken: false,
      containers: [{ name: 'main', image: 'i' }],
      volumes: [{ name: 'identity', projected: { sources: [{ podCertificate }] } }],
    }
    const made = root.client.create<Pod>(pods, { metadata: { namespace, name: 'left' }, spec } as object)
    const pod = unwrap(await made) ?? assert.fail()
    await root.client.delete(serviceAccounts, { namespace, name: 'leaving' })
    // The request may have been taken before; another incarnation of the process has to ask again.
    await life.end()
    const again = running(t, startCertificates())
    const waiting = await eventually('it says so', () => {
      const state = again.certificates.stateOf(pod)
      return typeof state === 'object' && state
    })
    assert.match(waiting.message, /takes no PodCertificateRequest of signer .*there is no ServiceAccount shop\/leaving/)
  })

  it('that the root did not give a pod are no matter of the pods after it, and forgotten with it', async (t) => {
    const asked = Promise.withResolvers<void>()
    const answer = Promise.withResolvers<string>()
    const ask = async ({ metadata: { name } }: Pod) => {
      if (name !== 'brief') throw new RequestRefused('not now')
      asked.resolve()
      return await answer.promise
    }
    const life = running(t, startCertificates({ ask }))
    const pod = await inRoot('brief')
    await asked.promise
    await root.client.delete(pods, { namespace, name: 'brief' }, { gracePeriodSeconds: 0 })
    await eventually('it has gone', () => life.rootPods.get(`${namespace}/brief`) === undefined)
    answer.reject(new RequestRefused('not you'))
    // What is done about the refusal is done by then, and the pod not yet looked at again.
    await new Promise(setImmediate)
    const next = { ...pod, metadata: { ...pod.metadata, uid: 'next' } }
    assert.equal(life.certificates.stateOf(next), 'pending')
    await eventually('it is forgotten', () => life.certificates.stateOf(pod) === 'pending')
  })
})
