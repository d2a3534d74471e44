import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { pods } from '@kosmos/kube'
import { pod } from '../platform/manifests.ts'
import { eventually, type Platform, startPlatform } from '../platform/platform.ts'

const isRoot = process.getuid?.() === 0
const namespace = 'default'
/** What is in the same objects, and nobody may read in what is said of them. */
const PRECIOUS = 'precious-and-known-to-nobody'

const variable = (valueFrom: object) => ({
  container: { command: ['sh', '-c', 'echo "word is $WORD"; sleep 3600'], env: [{ name: 'WORD', valueFrom }] },
})
const file = (volume: object) => ({
  container: {
    command: ['sh', '-c', 'echo "word is $(cat /data/word)"; sleep 3600'],
    volumeMounts: [{ name: 'data', mountPath: '/data' }],
  },
  spec: { volumes: [{ name: 'data', ...volume }] },
})
const items = [{ key: 'word', path: 'word' }]

describe('a pod in a leaf that names a key which its ConfigMap or Secret does not have', {
  skip: isRoot ? false : 'real nodes need root',
}, () => {
  let platform: Platform
  const waiting = async (name: string) =>
    (await platform.root.get(pods, { namespace, name }))?.status?.containerStatuses?.[0]?.state?.waiting
  const described = async (name: string) => (await platform.kubectl(['describe', 'pod', name])).stdout
  /** It is there only now: the pod starts with it, and was never told what else is in the object. */
  const startsWith = async (name: string, object: string, change: object) => {
    assert.doesNotMatch(await described(name), new RegExp(PRECIOUS))
    const patched = await platform.kubectl(['patch', object, name, '--type=merge', '-p', JSON.stringify(change)])
    assert.equal(patched.code, 0, patched.stderr)
    await eventually(`${name} has its word`, async () => {
      return (await platform.kubectl(['logs', name])).stdout === 'word is late\n'
    })
    await eventually(`${name} runs`, async () => {
      return (await platform.root.get(pods, { namespace, name }))?.status?.phase === 'Running'
    })
  }
  /** As the kubelet of the leaf says it, on the root pod. */
  const waitsFor = (name: string, key: RegExp) =>
    eventually('the pod says which', async () => {
      const { reason, message = '' } = (await waiting(name)) ?? {}
      return reason === 'CreateContainerConfigError' && key.test(message)
    })
  const isToldOf = (name: string, key: RegExp) =>
    eventually('an Event on the pod says which', async () => key.test(await described(name)))

  before(async () => {
    platform = await startPlatform('missing-keys', { leaves: 1, nodes: 'real:1' })
    const configMap = (name: string) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace, name },
      data: { other: PRECIOUS },
    })
    const secret = (name: string) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace, name },
      stringData: { other: PRECIOUS },
    })
    const configMaps = ['map-variable', 'map-file'].map(configMap)
    const secrets = ['secret-variable', 'secret-file'].map(secret)
    await platform.apply(
      ...configMaps,
      ...secrets,
      pod('map-variable', variable({ configMapKeyRef: { name: 'map-variable', key: 'word' } })),
      pod('secret-variable', variable({ secretKeyRef: { name: 'secret-variable', key: 'word' } })),
      pod('map-file', file({ configMap: { name: 'map-file', items } })),
      pod('secret-file', file({ projected: { sources: [{ secret: { name: 'secret-file', items } }] } })),
      pod('beside', variable({ configMapKeyRef: { name: 'map-variable', key: 'other' } })),
    )
  })
  after(() => platform?.down())

  it('in a variable of a ConfigMap: says so, and starts when the key is there', async () => {
    await waitsFor('map-variable', /couldn't find key word in ConfigMap default\/map-variable/)
    await startsWith('map-variable', 'configmap', { data: { word: 'late' } })
  })

  it('in a variable of a Secret likewise', async () => {
    await waitsFor('secret-variable', /couldn't find key word in Secret default\/secret-variable/)
    await startsWith('secret-variable', 'secret', { stringData: { word: 'late' } })
  })

  it('in a volume of a ConfigMap: an Event says so, and it starts when the key is there', async () => {
    await isToldOf('map-file', /FailedMount .*references non-existent config key: word/)
    await startsWith('map-file', 'configmap', { data: { word: 'late' } })
  })

  it('in a projected volume of a Secret likewise', async () => {
    await isToldOf('secret-file', /FailedMount .*references non-existent secret key: word/)
    await startsWith('secret-file', 'secret', { stringData: { word: 'late' } })
  })

  it('does not keep another pod from the keys that are there', async () => {
    await eventually('it has its word', async () => {
      return (await platform.kubectl(['logs', 'beside'])).stdout === `word is ${PRECIOUS}\n`
    })
  })
})
