import assert from 'node:assert/strict'
import { get } from 'node:https'
import { after, before, describe, it } from 'node:test'
import {
  clusters,
  configMaps,
  events,
  type KubeObject,
  namespaces,
  nodes,
  pods,
  resource,
  secrets,
  unwrap,
} from '@kosmos/kube'
import type { Log } from '@kosmos/kube/process'
import { quoteRefusedSecrets } from '../copies/fixture.ts'
import { copied, isToldOf, saysOnPod, use as usedBy } from '../copies/told.fixture.ts'
import { clusterSays, joinLeaf, runTree } from '../leaf/fixture.ts'
import { eventually, type LiveCluster, startCluster } from '../live.fixture.ts'

const quotas = resource('v1', 'ResourceQuota', 'resourcequotas', 'Namespaced')

const namespace = 'default'
const base64 = (text: string) => Buffer.from(text).toString('base64')
/** What begins so must be found nowhere but in Secrets; also in base64, for it is of three times three letters. */
const MARK = 'precious-'
const marks = [MARK, base64(MARK)]
/** Annotations may be 256 KiB in all: with what a copy has besides, this is too much. */
const NEARLY_TOO_LARGE = 262_100

describe('what is in the Secrets of pods in a leaf', () => {
  const stop = new AbortController()
  const logged: string[] = []
  const log: Log = (...line) => void logged.push(JSON.stringify(line))
  let root: LiveCluster
  let leaf: LiveCluster
  let running: Promise<void>

  const ref = (name: string) => ({ namespace, name })
  const wordOf = (name: string) => `${MARK}${name}`
  const store = async (name: string) =>
    unwrap(
      await root.client.create(secrets, {
        metadata: ref(name),
        data: { word: base64(wordOf(name)) },
      } as KubeObject),
    )
  /** A pod of the name of its Secret. */
  const use = (name: string) => usedBy(root, name, [{ secretRef: { name } }])
  const metrics = () => {
    const line = logged.find((line) => line.includes('"http.listening"')) ?? assert.fail('no address was logged')
    const url = /https:\/\/[^"/]+/.exec(line)?.[0] ?? assert.fail(line)
    const headers = { authorization: `Bearer ${root.controlPlane.adminToken}` }
    return new Promise<string>((resolve, reject) => {
      get(`${url}/metrics`, { headers, rejectUnauthorized: false }, (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.push(chunk))
        answer.on('end', () => resolve(Buffer.concat(chunks).toString()))
      }).on('error', reject)
    })
  }
  /** Everything that a user, or an administrator of one of the clusters, may read without reading Secrets. */
  const everythingSaid = async () => {
    const of = async ({ client }: LiveCluster) =>
      await Promise.all(
        [pods, events, configMaps, namespaces, nodes].map((each) => client.listAll(each as typeof pods)),
      )
    const objects = [await of(root), await of(leaf), await root.client.listAll(clusters)]
    return { objects: JSON.stringify(objects), log: logged.join('\n'), metrics: await metrics() }
  }

  before(async () => {
    ;[root, leaf] = await Promise.all([startCluster('root'), startCluster('leaf')])
    await joinLeaf(root, leaf)
    const refused = "request.name == 'refused' || request.name == 'unchanged' && oldObject != null"
    await quoteRefusedSecrets(leaf.client, namespace, `!(${refused})`, ['CREATE', 'UPDATE', 'DELETE'])
    running = runTree(root, log, stop.signal)
    running.catch(() => {})
    await clusterSays(root, 'CredentialsValid', 'True CredentialsAccepted')
  })
  after(async () => {
    stop.abort()
    await running
    await Promise.all([root?.end(), leaf?.end()])
  })

  it('is not told when the leaf refuses a copy and quotes it', async () => {
    await store('refused')
    await use('refused')
    await saysOnPod(root, 'refused', /^RefusedByLeaf: cluster leaf does not accept Secret refused: .*not \[left out\]/)
    await isToldOf(root, 'Pod', 'refused', /not \[left out\]/)
  })

  it('is not told when it refuses a change', async () => {
    await store('unchanged')
    await use('unchanged')
    await copied(leaf, 'unchanged')
    const data = { word: base64(`${wordOf('unchanged')}-now`) }
    await root.client.patch(secrets, ref('unchanged'), { data }, { type: 'merge' })
    await isToldOf(root, 'Pod', 'unchanged', /not as it is in the root: .*not \[left out\]/)
    await isToldOf(root, 'Secret', 'unchanged', /not \[left out\]/)
  })

  it('is not told when it does not let a copy go', async () => {
    await root.client.delete(pods, ref('unchanged'), { gracePeriodSeconds: 0 })
    const alone = /secrets\/default\/unchanged.*denied request: not \[left out\]"/
    await eventually('the log says so', () => logged.some((line) => alone.test(line)))
  })

  it('is not told when a change is too large for the leaf', async () => {
    await store('grown')
    await use('grown')
    await copied(leaf, 'grown')
    const annotations = { filling: MARK.padEnd(NEARLY_TOO_LARGE - 'filling'.length, 'x') }
    // kubectl puts the whole Secret into an annotation, and so do others.
    await root.client.patch(secrets, ref('grown'), { metadata: { annotations } }, { type: 'merge' })
    await isToldOf(root, 'Secret', 'grown', /Too long: may not be more than 262144 bytes/)
    await isToldOf(root, 'Pod', 'grown', /Too long/)
  })

  it('is not told when the leaf has another Secret of the name, neither of the one nor of the other', async () => {
    await leaf.client.create(secrets, {
      metadata: ref('taken'),
      data: { word: base64(wordOf('foreign')) },
    } as KubeObject)
    await store('taken')
    await use('taken')
    const copy = await copied(leaf, 'taken')
    assert.match(copy.spec.containers[0]?.envFrom?.[0]?.secretRef?.name ?? '', /^kosmos-copy-/)
  })

  it('is not told when the leaf has no room for more Secrets', async () => {
    const hard = { 'count/secrets': '0' }
    const quota = { metadata: ref('full'), spec: { hard } }
    const made = unwrap(await leaf.client.create<KubeObject>(quotas, quota as KubeObject)) ?? assert.fail()
    const status = { hard, used: { 'count/secrets': '0' } }
    unwrap(await leaf.client.replace(quotas, { ...made, status } as KubeObject, { subresource: 'status' }))
    await store('excess')
    await use('excess')
    await saysOnPod(root, 'excess', /^RefusedByLeaf: .*Secret excess: .*exceeded quota: full/)
  })

  it('is in no object but Secrets, no log line and no metric after all this', async () => {
    const said = await everythingSaid()
    assert.match(said.log, /reconcile\.failed/)
    assert.match(said.metrics, /kosmos_reconcile_duration_seconds_count\{.*controller="configuration".*result="error"/)
    for (const [where, text] of Object.entries(said)) {
      for (const mark of marks) assert.ok(!text.includes(mark), `${mark} is among the ${where}`)
    }
  })
})
