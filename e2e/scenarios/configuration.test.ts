import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { configMaps, type KubeObject, pods, type Resource, secrets } from '@kosmos/kube'
import { pod } from '../platform/manifests.ts'
import { type NodeProgram, nodeProgram } from '../platform/node-program.ts'
import { eventually, type Platform, startPlatform } from '../platform/platform.ts'

const isRoot = process.getuid?.() === 0
const namespace = 'default'
/** What a ConfigMap may be large at most is 1 MiB of keys and values (upstream core.MaxSecretSize). */
const LARGEST = 2 ** 20

const configMap = (name: string, data: object, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace, name },
  data,
  ...more,
})
const secret = (name: string, stringData: object, type = 'Opaque') => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { namespace, name },
  type,
  stringData,
})
interface Volume {
  readonly name: string
  readonly [source: string]: unknown
}
/** Mounts each volume at `/<name of the volume>`. */
const reading = (name: string, volumes: readonly Volume[], more: readonly object[] = []) => {
  const volumeMounts = [...volumes.map(({ name }) => ({ name, mountPath: `/${name}` })), ...more]
  const command = ['sh', '-c', 'trap "exit 1" TERM; sleep 3600 & wait']
  return pod(name, { spec: { volumes }, container: { command, volumeMounts } })
}
const credentials = (password: string) => {
  const auth = Buffer.from(`puller:${password}`).toString('base64')
  return JSON.stringify({ auths: { '127.0.0.1:5000': { auth } } })
}

describe('what pods in a leaf are configured with, on a real node', {
  skip: isRoot ? false : 'real nodes need root',
}, () => {
  let platform: Platform
  let registry: NodeProgram
  const kubectl = (...args: string[]) => platform.kubectl(args)
  const done = async (...args: string[]) => {
    const { code, stdout, stderr } = await kubectl(...args)
    assert.equal(code, 0, stderr)
    return stdout
  }
  const ready = async (name: string) => {
    const { code, stderr } = await kubectl('wait', '--for=condition=Ready', `pod/${name}`, '--timeout=240s')
    assert.equal(code, 0, `${stderr} ${(await kubectl('describe', 'pod', name)).stdout}`)
  }
  const read = async (name: string, script: string) => (await kubectl('exec', name, '--', 'sh', '-c', script)).stdout
  /** A kubelet looks at the volumes of a pod about once a minute. */
  const comesToRead = (name: string, script: string, expected: string) =>
    eventually(`${name}: ${expected}`, async () => (await read(name, script)) === expected)
  /** As `kubectl replace --force`: another object of the name, which an immutable one and a Secret of another type need. */
  const makeAnew = async (resource: Resource, object: KubeObject) => {
    const { name = '' } = object.metadata ?? {}
    assert.ok((await platform.root.delete(resource, { namespace, name })).ok)
    assert.ok((await platform.root.create<KubeObject>(resource, object)).ok)
  }

  before(async () => {
    const dir = await mkdtemp(path.join(tmpdir(), 'kosmos-'))
    registry = await nodeProgram('registry', dir)
    await rm(dir, { recursive: true })
    platform = await startPlatform('configuration', { leaves: 1, nodes: 'real:1', archives: [registry.archive] })
    const binaryData = { all: Buffer.alloc(LARGEST - 'all'.length, 'x').toString('base64') }
    await platform.apply(
      configMap('settings', { word: 'before', old: 'key' }),
      configMap('frozen', { word: 'before' }, { immutable: true }),
      secret('typed', { word: 'before' }),
    )
    assert.ok((await platform.root.create<KubeObject>(configMaps, configMap('large', {}, { binaryData }))).ok)
    const sources = [
      { configMap: { name: 'settings', items: [{ key: 'word', path: 'here' }] } },
      { secret: { name: 'spare', optional: true } },
      { configMap: { name: 'spare', optional: true, items: [{ key: 'more', path: 'more' }] } },
      { downwardAPI: { items: [{ path: 'name', fieldRef: { fieldPath: 'metadata.name' } }] } },
    ]
    const part = { name: 'whole', mountPath: '/etc/word', subPath: 'word' }
    await platform.apply(
      reading('gathering', [{ name: 'all', projected: { sources } }]),
      reading('following', [{ name: 'whole', configMap: { name: 'settings' } }], [part]),
      reading('freezing', [{ name: 'frozen', configMap: { name: 'frozen' } }]),
      reading('typing', [{ name: 'typed', secret: { secretName: 'typed' } }]),
      reading('carrying', [{ name: 'large', configMap: { name: 'large' } }]),
    )
    for (const name of ['gathering', 'following', 'freezing', 'typing', 'carrying']) await ready(name)
  })
  after(() => platform?.down())

  it('is a volume of several sources, without those that may be missing', async () => {
    assert.equal(
      await read('gathering', 'cd /all; head *'),
      '==> here <==\nbefore\n==> name <==\ngathering\n'.replace(/\n$/, ''),
    )
  })

  it('is as large as the root lets it be', async () => {
    assert.equal(await read('carrying', 'wc -c < /large/all'), `${LARGEST - 'all'.length}\n`)
  })

  it('follows the root where it is mounted as a whole: other values, other keys, what was missing', async () => {
    await platform.apply(secret('spare', { key: 'precious' }), configMap('spare', { more: 'yes' }))
    const patch = { data: { word: 'after', old: null, new: 'key' } }
    await done('patch', 'configmap', 'settings', '--type=merge', '-p', JSON.stringify(patch))
    await makeAnew(secrets, secret('typed', { username: 'me', password: 'precious' }, 'kubernetes.io/basic-auth'))
    await comesToRead('following', 'cd /whole; echo *; cat word', 'new word\nafter')
    await comesToRead('gathering', 'cd /all; echo *; cat here more key', 'here key more name\nafteryesprecious')
    await comesToRead('typing', 'cd /typed; echo *; cat username', 'password username\nme')
    const copy = await platform.leaves[0]?.get(secrets, { namespace, name: 'typed' })
    assert.equal(copy?.type, 'kubernetes.io/basic-auth')
  })

  it('stays as it was where a part of it is mounted (subPath), until the container starts again, as on any node', async () => {
    assert.equal(await read('following', 'cat /etc/word'), 'before')
    await read('following', 'kill 1')
    await eventually('another container', async () => {
      const { status } = (await platform.root.get(pods, { namespace, name: 'following' })) ?? {}
      return status?.containerStatuses?.[0]?.restartCount === 1
    })
    await comesToRead('following', 'cat /etc/word', 'after')
  })

  it('is another where an immutable ConfigMap was made anew, for the pods that come then', async () => {
    await makeAnew(configMaps, configMap('frozen', { word: 'after' }, { immutable: true }))
    await eventually('the leaf has it', async () => {
      const copy = await platform.leaves[0]?.get(configMaps, { namespace, name: 'frozen' })
      return copy?.data?.word === 'after' && copy.immutable
    })
    assert.equal(await read('freezing', 'cat /frozen/word'), 'before', 'a kubelet does not look at it again')
    await done('delete', 'pod', 'freezing', '--now')
    await platform.apply(reading('thawing', [{ name: 'frozen', configMap: { name: 'frozen' } }]))
    await ready('thawing')
    assert.equal(await read('thawing', 'cat /frozen/word'), 'after')
  })

  it('is told by the name that the root has for it, where the leaf has something else of that name', async () => {
    const foreign = configMap('taken', { word: 'of the leaf' })
    assert.ok((await platform.leaves[0]?.create<KubeObject>(configMaps, foreign))?.ok)
    const word = (from: object) => ({ name: 'WORD', valueFrom: from })
    const env = [word({ configMapKeyRef: { name: 'taken', key: 'word' } })]
    const volumes = [{ name: 'taken', configMap: { name: 'taken', items: [{ key: 'word', path: 'word' }] } }]
    const volumeMounts = [{ name: 'taken', mountPath: '/taken' }]
    await platform.apply(
      configMap('taken', { other: 'of the root' }),
      pod('by-variable', { container: { command: ['sh', '-c', 'echo $WORD; sleep 3600'], env } }),
      pod('by-file', { container: { command: ['sleep', '3600'], volumeMounts }, spec: { volumes } }),
    )
    await eventually('the status says so', async () => {
      const { status } = (await platform.root.get(pods, { namespace, name: 'by-variable' })) ?? {}
      const { message = '' } = status?.containerStatuses?.[0]?.state?.waiting ?? {}
      return /couldn't find key word in ConfigMap default\/taken$/.test(message)
    })
    await eventually('an Event says so', async () => {
      const { stdout } = await kubectl('describe', 'pod', 'by-variable')
      return /couldn't find key word in ConfigMap default\/taken$/m.test(stdout)
    })
    await eventually('the kubelet is heard of the volume', async () => {
      return /FailedMount/.test((await kubectl('describe', 'pod', 'by-file')).stdout)
    })
    for (const name of ['by-variable', 'by-file'])
      assert.doesNotMatch(
        await done('get', 'events', '--field-selector', `involvedObject.name=${name}`),
        /kosmos-copy-/,
      )
    await done('patch', 'configmap', 'taken', '-p', JSON.stringify({ data: { word: 'late' } }))
    await ready('by-variable')
    await ready('by-file')
    assert.equal(await done('logs', 'by-variable'), 'late\n')
  })

  it('is a pull secret that is put right while the pod waits for its image, which comes then', async () => {
    const container = { image: registry.image, args: ['node', '/program.mjs', 'right'] }
    const type = 'kubernetes.io/dockerconfigjson'
    await platform.apply(
      pod('registry', { container, spec: { hostNetwork: true } }),
      secret('puller', { '.dockerconfigjson': credentials('wrong') }, type),
    )
    await ready('registry')
    const shell = { image: '127.0.0.1:5000/shell:v1', command: ['/busybox', 'sleep', '3600'] }
    await platform.apply(pod('pulling', { container: shell, spec: { imagePullSecrets: [{ name: 'puller' }] } }))
    await eventually('the pod says that it may not', async () => {
      return /ImagePullBackOff|ErrImagePull/.test(await done('get', 'pod', 'pulling'))
    })
    await platform.apply(secret('puller', { '.dockerconfigjson': credentials('right') }, type))
    await ready('pulling')
  })
})
