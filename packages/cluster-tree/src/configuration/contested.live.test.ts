import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { setRightAnnotation } from '@kosmos/api'
import {
  Client,
  type ConfigMap,
  configMaps,
  type KubeObject,
  namespaces,
  type ObjectRef,
  type Resource,
  resource,
  secrets,
  unwrap,
} from '@kosmos/kube'
import { connect, eventually, type LiveCluster, startCluster } from '../live.fixture.ts'
import { startCopies } from './fixture.ts'

const admission = 'admissionregistration.k8s.io/v1'
const policies = resource(admission, 'MutatingAdmissionPolicy', 'mutatingadmissionpolicies', 'Cluster')
const bindings = resource(admission, 'MutatingAdmissionPolicyBinding', 'mutatingadmissionpolicybindings', 'Cluster')
const namespace = 'shop'

describe('a copy of a ConfigMap or Secret that somebody else writes to in the leaf', () => {
  let root: LiveCluster
  let leaf: LiveCluster
  let ours: Client
  let life: ReturnType<typeof startCopies>
  /** Done before what is to be written is read in the root, by name. */
  const meanwhile = new Map<string, () => Promise<unknown>>()
  /** What we have written to the leaf: `<method> <name>`. */
  const writes: string[] = []

  before(async () => {
    ;[root, leaf] = await Promise.all([startCluster('root'), startCluster('leaf')])
    const { connection } = await connect('leaf', leaf.controlPlane.kubeconfig, {
      onRequest: ({ method, path }) => {
        if (method !== 'GET') writes.push(`${method} ${/(?:configmaps|secrets)\/([^?]+)/.exec(path)?.[1] ?? ''}`)
      },
    })
    ours = new Client(connection, 'kosmos-cluster-tree')
    await root.client.create(namespaces, { metadata: { name: namespace } })
    life = startCopies(readOf(root), ours)
  })
  after(async () => {
    await life?.end()
    await ours?.connection.close()
    await Promise.all([root?.end(), leaf?.end()])
  })

  const readOf = ({ client }: LiveCluster) => {
    return new (class extends Client {
      override async get<T extends KubeObject>(resource: Resource<T>, ref: ObjectRef): Promise<T | undefined> {
        const first = meanwhile.get(ref.name)
        meanwhile.delete(ref.name)
        await first?.()
        return await super.get(resource, ref)
      }
    })(client.connection, client.fieldManager)
  }
  const by = (manager: string) => new Client(leaf.client.connection, manager)
  const copyIn = (name: string): Promise<ConfigMap | undefined> => leaf.client.get(configMaps, { namespace, name })
  const edit = async (name: string, change: object, manager = 'kubectl-edit') =>
    unwrap(await by(manager).patch(configMaps, { namespace, name }, change, { type: 'merge' }))
  const key = (name: string) => `configmaps/${namespace}/${name}`
  const mirrored = async (name: string, data: Record<string, string> = { colour: 'red', size: 'L' }) => {
    unwrap(await root.client.create(configMaps, { metadata: { namespace, name }, data } as KubeObject))
    life.need(`${namespace}/pod-of-${name}`, key(name))
    await eventually(`${name} is current`, () => life.copies.stateOf(key(name)) === 'current')
  }
  const is = (name: string, data: Record<string, string>) =>
    eventually(`${name} is as it should be`, async () => {
      const seen = await copyIn(name)
      const whole = Object.entries({ ...seen?.data, ...seen?.binaryData }).sort()
      return isDeepStrictEqual(whole, Object.entries(data)) && seen
    })
  const toldOf = (name: string, said: RegExp) =>
    eventually(`it is told: ${said}`, () => life.told.find((one) => one.includes(` ${name}`) && said.test(one)))
  /** What comes after everything that is to be done about the others has been done. */
  const done = async (name: string) => {
    await mirrored(name)
    await edit(name, { data: { colour: 'pink' } })
    await is(name, { colour: 'red', size: 'L' })
  }
  const written = () => writes.filter((one) => one.startsWith('PUT ') && !one.includes('after-')).sort()
  /** As a new process finds it. */
  const restart = async () => {
    const known = Promise.withResolvers<void>()
    life = startCopies(readOf(root), ours, known.promise)
    for (const name of ['untouched', 'edited', 'restored', 'injected', 'stripped', 'robbed', 'emptied'])
      life.need(`${namespace}/pod-of-${name}`, key(name))
    known.resolve()
    await life.synced
  }

  it('is as in the root again, and says so: there, on the object of the root, and on pods that use it', async () => {
    await mirrored('edited')
    await edit('edited', { data: { colour: 'pink' } })
    const copy = await is('edited', { colour: 'red', size: 'L' })
    assert.match(
      copy.metadata.annotations?.[setRightAnnotation] ?? '',
      /^\S+Z: made as in the root again after kubectl-edit had/,
    )
    const said =
      /: ConfigurationChangedInLeaf: ConfigMap edited was changed in cluster east by kubectl-edit, and is as the root has it again/
    await toldOf('edited', new RegExp(`^ConfigMap edited${said.source}`))
    await toldOf('edited', new RegExp(`^Pod shop/pod-of-edited${said.source}`))
    await root.client.patch(configMaps, { namespace, name: 'edited' }, { data: { size: 'XL' } }, { type: 'merge' })
    const next = await is('edited', { colour: 'red', size: 'XL' })
    assert.equal(next.metadata.annotations?.[setRightAnnotation], undefined)
  })

  it('loses what was added, and has what was taken away, and can be changed', async () => {
    for (const [name, change] of Object.entries({
      added: { data: { more: 'x' } },
      taken: { data: { size: null } },
      'all-taken': { data: null },
      binary: { binaryData: { more: 'eA==' } },
    })) {
      await mirrored(name)
      await edit(name, change)
      await is(name, { colour: 'red', size: 'L' })
    }
    await mirrored('frozen')
    await edit('frozen', { immutable: true })
    await eventually('it is not immutable', async () => (await copyIn('frozen'))?.immutable !== true)
  })

  it('is one of a Secret as well, of which nothing is told but who wrote to it', async () => {
    const metadata = { namespace, name: 'key' }
    unwrap(await root.client.create(secrets, { metadata, data: { word: 'cm9vdA==' } } as KubeObject))
    life.need('shop/opener', 'secrets/shop/key')
    await eventually('a copy', () => leaf.client.get(secrets, metadata))
    await by('kubectl-patch').patch(secrets, metadata, { stringData: { word: 'precious' } }, { type: 'merge' })
    await eventually('it is right', async () => (await leaf.client.get(secrets, metadata))?.data?.word === 'cm9vdA==')
    const said = await toldOf('key', /^Secret key: .* by kubectl-patch/)
    assert.doesNotMatch(said, /precious|root==|cm9vdA|cHJlY2lvdXM/)
  })

  it('is left alone when only its labels and annotations are written to', async () => {
    await mirrored('labelled')
    await edit('labelled', { metadata: { labels: { backup: 'done' }, annotations: { seen: 'yes' } } })
    const before = (await copyIn('labelled'))?.metadata.resourceVersion
    await done('after-labelled')
    const copy = await copyIn('labelled')
    assert.equal(copy?.metadata.resourceVersion, before)
    assert.equal(copy?.metadata.labels?.backup, 'done')
  })

  it('is written less and less often against somebody who writes on; what is changed in the root comes at once', async () => {
    await mirrored('fought-over')
    const rounds = [1, 2, 3]
    for (const _ of rounds) {
      await edit('fought-over', { data: { colour: 'pink' } }, 'flux')
      await is('fought-over', { colour: 'red', size: 'L' })
    }
    await toldOf('fought-over', /by flux.*\. That was 3 times in a row; the next time theirs stays for up to 4 s/)
    assert.equal(life.copies.stateOf(key('fought-over')), 'current', 'new pods do not wait for the end of it')
    await edit('fought-over', { data: { colour: 'pink' } }, 'flux')
    await root.client.patch(configMaps, { namespace, name: 'fought-over' }, { data: { size: 'S' } }, { type: 'merge' })
    await is('fought-over', { colour: 'red', size: 'S' })
    const told = life.told.filter((one) => one.startsWith('ConfigMap fought-over: '))
    assert.equal(told.length, rounds.length)
  })

  it('is not said to be as in the root again, and does not wait, when somebody was quicker than our write', async () => {
    await mirrored('raced')
    meanwhile.set('raced', () => edit('raced', { data: { size: 'S' } }, 'flux'))
    await edit('raced', { data: { colour: 'pink' } })
    await is('raced', { colour: 'red', size: 'L' })
    assert.equal(meanwhile.size, 0)
    await toldOf('raced', /by (kubectl-edit, flux|flux, kubectl-edit)/)
    const told = life.told.filter((one) => one.startsWith('ConfigMap raced: '))
    assert.equal(told.length, 1, told.join('\n'))
  })

  it('may be made another by the leaf’s admission whenever we write it, which is not written again for that', async () => {
    const metadata = { name: 'inject' }
    const rule = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['configmaps'] }
    const expression = `Object{metadata: Object.metadata{labels: {"injected": "yes"}}, data: {"injected": "yes", "colour": "pink"}}`
    const spec = {
      matchConstraints: { resourceRules: [rule] },
      matchConditions: [{ name: 'one', expression: 'object.metadata.name.startsWith("injected")' }],
      reinvocationPolicy: 'Never',
      mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression } }],
    }
    unwrap(await leaf.client.create(policies, { metadata, spec } as KubeObject))
    unwrap(await leaf.client.create(bindings, { metadata, spec: { policyName: 'inject' } } as KubeObject))
    const probe = { metadata: { namespace, name: 'injected-probe' }, data: { colour: 'red' } } as KubeObject
    await eventually('the policy is in force', async () => {
      return unwrap(await leaf.client.create(configMaps, probe, { dryRun: true }))?.data?.injected === 'yes'
    })
    writes.length = 0
    await mirrored('injected')
    await is('injected', { colour: 'pink', injected: 'yes', size: 'L' })
    await root.client.patch(configMaps, { namespace, name: 'injected' }, { data: { size: 'S' } }, { type: 'merge' })
    await is('injected', { colour: 'pink', injected: 'yes', size: 'S' })
    await done('after-injected')
    assert.deepEqual(written(), ['PUT injected'], 'beside the one that made it, one for the change in the root')
    await edit('injected', { data: { size: 'M' } })
    await is('injected', { colour: 'pink', injected: 'yes', size: 'S' })
    await done('after-all')
    assert.deepEqual(written(), ['PUT injected', 'PUT injected'])
  })

  it('may lose fields to the leaf’s admission whenever we write it, which is not written again for that either', async () => {
    const metadata = { name: 'strip' }
    const rule = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['configmaps'] }
    const spec = {
      matchConstraints: { resourceRules: [rule] },
      matchConditions: [
        { name: 'one', expression: 'object.metadata.name.startsWith("stripped") && "size" in object.data' },
      ],
      reinvocationPolicy: 'Never',
      mutations: [
        { patchType: 'JSONPatch', jsonPatch: { expression: '[JSONPatch{op: "remove", path: "/data/size"}]' } },
      ],
    }
    unwrap(await leaf.client.create(policies, { metadata, spec } as KubeObject))
    unwrap(await leaf.client.create(bindings, { metadata, spec: { policyName: 'strip' } } as KubeObject))
    const data = { colour: 'red', size: 'L' }
    const probe = { metadata: { namespace, name: 'stripped-probe' }, data } as KubeObject
    await eventually('the policy is in force', async () => {
      return unwrap(await leaf.client.create(configMaps, probe, { dryRun: true }))?.data?.size === undefined
    })
    writes.length = 0
    await mirrored('stripped', data)
    await is('stripped', { colour: 'red' })
    await done('after-strip')
    assert.deepEqual(written(), [], 'beside the one that made it')
    await root.client.patch(
      configMaps,
      { namespace, name: 'stripped' },
      { data: { colour: 'blue' } },
      { type: 'merge' },
    )
    await is('stripped', { colour: 'blue' })
    await done('after-change')
    assert.deepEqual(written(), ['PUT stripped'], 'one for the change in the root')
    // Nor does it go from what managedFields tell when somebody writes something else.
    await edit('stripped', { metadata: { labels: { backup: 'done' } } })
    const toldBefore = life.told
    await life.end()
    writes.length = 0
    await restart()
    await done('after-start')
    assert.deepEqual(written(), [], 'none after a start')
    assert.deepEqual(
      [...toldBefore, ...life.told].filter((one) => one.includes('stripped')),
      [],
    )
  })

  it('while we were away is as in the root again afterwards; one that nobody wrote to is not written', async () => {
    await mirrored('untouched')
    await mirrored('restored')
    await mirrored('robbed')
    await mirrored('emptied')
    await life.end()
    await edit('robbed', { data: { size: null } })
    await edit('emptied', { data: null })
    await edit('edited', { data: { colour: 'pink' } })
    const { metadata, ...content } = (await copyIn('restored')) ?? assert.fail()
    const { name, labels, annotations } = metadata
    unwrap(await leaf.client.delete(configMaps, metadata))
    const restored = { ...content, metadata: { namespace, name, labels, annotations } }
    unwrap(await by('velero').create(configMaps, restored as KubeObject))
    // The API server counts seconds: of two writes in one it does not tell which was the later.
    await sleep(1_100)
    writes.length = 0
    await restart()
    await is('edited', { colour: 'red', size: 'XL' })
    await toldOf('restored', /by velero/)
    for (const name of ['robbed', 'emptied']) {
      await is(name, { colour: 'red', size: 'L' })
      await toldOf(name, /ConfigurationChangedInLeaf: .* by somebody/)
    }
    await done('after-restart')
    assert.deepEqual(written(), ['PUT edited', 'PUT emptied', 'PUT restored', 'PUT robbed'])
    await life.end()
    writes.length = 0
    await restart()
    await done('after-another')
    assert.deepEqual(written(), [])
  })
})
