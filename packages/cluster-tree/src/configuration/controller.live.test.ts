import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { rootClusterLabel, rootUidAnnotation } from '@kosmos/api'
import {
  type Client,
  type ConfigMap,
  configMaps,
  type KubeObject,
  namespaces,
  resource,
  secrets,
  unwrap,
} from '@kosmos/kube'
import { connect, eventually, type LiveCluster, startCluster } from '../live.fixture.ts'
import { startCopies } from './fixture.ts'

const admission = 'admissionregistration.k8s.io/v1'
const policies = resource(admission, 'ValidatingAdmissionPolicy', 'validatingadmissionpolicies', 'Cluster')
const bindings = resource(admission, 'ValidatingAdmissionPolicyBinding', 'validatingadmissionpolicybindings', 'Cluster')
const namespace = 'shop'

describe('copies of ConfigMaps and Secrets in a leaf', () => {
  let root: LiveCluster
  let leaf: LiveCluster
  let copier: Client
  let life: ReturnType<typeof startCopies>
  /** Names of what the copies have read in the root. */
  const reads: string[] = []

  before(async () => {
    ;[root, leaf] = await Promise.all([startCluster('root'), startCluster('leaf')])
    copier = await connect('root', root.controlPlane.kubeconfig, {
      onRequest: ({ method, path }) => {
        if (method === 'GET') reads.push(path.replace(/.*\//, ''))
      },
    })
    await root.client.create(namespaces, { metadata: { name: namespace } })
    life = startCopies(copier, leaf.client)
  })
  after(async () => {
    await life?.end()
    await copier?.connection.close()
    await Promise.all([root?.end(), leaf?.end()])
  })

  const inRoot = async (name: string, data: Record<string, string>) =>
    unwrap(await root.client.create(configMaps, { metadata: { namespace, name }, data } as KubeObject)) ?? assert.fail()
  const copyIn = (name: string): Promise<ConfigMap | undefined> => leaf.client.get(configMaps, { namespace, name })
  const key = (name: string) => `configmaps/${namespace}/${name}`
  const copied = (name: string) => eventually(`a copy of ${name}`, () => copyIn(name))
  /** A copy in the leaf of something that the root has. */
  const mirrored = async (name: string, data: Record<string, string> = { colour: 'red' }) => {
    const original = await inRoot(name, data)
    life.need(`${namespace}/pod-of-${name}`, key(name))
    await eventually(`${name} is current`, () => life.copies.stateOf(key(name)) === 'current')
    return { original, copy: (await copyIn(name)) ?? assert.fail() }
  }

  it('are made when a pod needs them, in a namespace that is made as well, and then the pod is told', async () => {
    await inRoot('first', { colour: 'red' })
    assert.equal(await copyIn('first'), undefined)
    life.need('shop/a', key('first'), key('absent'))
    await eventually('the pod is told', () => {
      return life.copies.stateOf(key('first')) === 'current' && life.woken.includes('shop/a')
    })
    assert.deepEqual((await copyIn('first'))?.data, { colour: 'red' })
    assert.equal(life.copies.stateOf(key('absent')), 'missing')
    const made = await leaf.client.get(namespaces, { name: namespace })
    assert.equal(made?.metadata.labels?.[rootClusterLabel], 'root-1')
  })

  it('are made of Secrets as well', async () => {
    const metadata = { namespace, name: 'key' }
    await root.client.create(secrets, { metadata, data: { a: 'c2VjcmV0' }, type: 'example.com/key' } as KubeObject)
    life.need('shop/s', 'secrets/shop/key')
    const copy = await eventually('a copy', () => leaf.client.get(secrets, metadata))
    assert.deepEqual([copy.data, copy.type], [{ a: 'c2VjcmV0' }, 'example.com/key'])
  })

  it('follow the root, in place', async () => {
    const { copy } = await mirrored('changing')
    const changed = await root.client.patch(
      configMaps,
      { namespace, name: 'changing' },
      { data: { colour: 'blue', size: null } },
      { type: 'merge' },
    )
    assert(changed.ok)
    const now = await eventually('it is blue', async () => {
      const seen = await copyIn('changing')
      return seen?.data?.colour === 'blue' && seen
    })
    assert.equal(now.metadata.uid, copy.metadata.uid)
  })

  it('follow the root without reading there again what a change has brought, unless it is large', async () => {
    await mirrored('small')
    await mirrored('large')
    const change = (name: string, colour: string) =>
      root.client.patch(configMaps, { namespace, name }, { data: { colour } }, { type: 'merge' })
    const follows = (name: string, colour: string) =>
      eventually(`${name} follows`, async () => (await copyIn(name))?.data?.colour === colour)
    reads.length = 0
    await change('small', 'blue')
    await follows('small', 'blue')
    assert.deepEqual(reads, [])
    const large = 'x'.repeat(20_000)
    await change('large', large)
    await follows('large', large)
    assert.deepEqual(reads, ['large'])
  })

  it('are made anew for an object that was deleted and created again', async () => {
    const { copy } = await mirrored('again')
    await root.client.delete(configMaps, { namespace, name: 'again' })
    const second = await inRoot('again', { colour: 'green' })
    const now = await eventually('it is of the second', async () => {
      const seen = await copyIn('again')
      return seen?.metadata.annotations?.[rootUidAnnotation] === second.metadata.uid && seen
    })
    assert.notEqual(now.metadata.uid, copy.metadata.uid)
    assert.deepEqual(now.data, { colour: 'green' })
  })

  it('are made anew for an immutable one that was deleted and created again, which is how those are changed', async () => {
    const create = (colour: string) =>
      root.client.create(configMaps, {
        metadata: { namespace, name: 'settled' },
        data: { colour },
        immutable: true,
      } as KubeObject)
    unwrap(await create('red'))
    life.need('shop/settler', key('settled'))
    assert.equal((await copied('settled')).immutable, true)
    await root.client.delete(configMaps, { namespace, name: 'settled' })
    unwrap(await create('green'))
    const now = await eventually('it is green', async () => {
      const seen = await copyIn('settled')
      return seen?.data?.colour === 'green' && seen
    })
    assert.equal(now.immutable, true)
  })

  it('stay while a pod needs them, although the root has lost its own', async () => {
    const { copy } = await mirrored('orphan')
    await root.client.delete(configMaps, { namespace, name: 'orphan' })
    await eventually('it is missed', () => life.copies.stateOf(key('orphan')) === 'missing')
    assert.equal((await copyIn('orphan'))?.metadata.uid, copy.metadata.uid)
    life.wish('shop/content', key('orphan'))
    life.need(`${namespace}/pod-of-orphan`)
    await eventually('whoever is left can do without', async () => !(await copyIn('orphan')))
  })

  it('go with the root’s own when every pod can do without, and come back with it', async () => {
    await mirrored('optional')
    life.need(`${namespace}/pod-of-optional`)
    life.wish('shop/wishing', key('optional'))
    await root.client.delete(configMaps, { namespace, name: 'optional' })
    await eventually('the copy is gone', async () => !(await copyIn('optional')))
    await inRoot('optional', { colour: 'blue' })
    assert.deepEqual((await copied('optional')).data, { colour: 'blue' })
  })

  it('of a Secret that pods can do without come when it does, and follow it', async () => {
    const ref = { namespace, name: 'late' }
    life.wish('shop/hopeful', 'secrets/shop/late')
    assert.equal(life.copies.stateOf('secrets/shop/late'), 'missing')
    await root.client.create(secrets, { metadata: ref, stringData: { word: 'here' } } as KubeObject)
    const copyWith = (word: string) =>
      eventually(`the copy says ${word}`, async () => {
        const { data = {} } = (await leaf.client.get(secrets, ref)) ?? {}
        return Buffer.from(data.word ?? '', 'base64').toString() === word
      })
    await copyWith('here')
    await root.client.patch(secrets, ref, { stringData: { word: 'changed' } }, { type: 'merge' })
    await copyWith('changed')
    await eventually('the pod is told', () => life.woken.includes('shop/hopeful'))
  })

  it('come back when somebody deletes them', async () => {
    const { copy } = await mirrored('deleted')
    await leaf.client.delete(configMaps, { namespace, name: 'deleted' })
    const now = await eventually('it is back', async () => {
      const seen = await copyIn('deleted')
      return seen?.metadata.uid !== copy.metadata.uid && seen
    })
    assert.deepEqual(now.data, { colour: 'red' })
  })

  it('are made anew when somebody has made them immutable', async () => {
    const { copy } = await mirrored('frozen')
    await leaf.client.patch(configMaps, { namespace, name: 'frozen' }, { immutable: true }, { type: 'merge' })
    await root.client.patch(configMaps, { namespace, name: 'frozen' }, { data: { colour: 'blue' } }, { type: 'merge' })
    const now = await eventually('it is blue', async () => {
      const seen = await copyIn('frozen')
      return seen?.data?.colour === 'blue' && seen
    })
    assert.notEqual(now.metadata.uid, copy.metadata.uid)
  })

  it('are collected with the last pod that needs them', async () => {
    await mirrored('shared')
    life.need('shop/second', key('shared'))
    life.need('shop/pod-of-shared')
    // What comes after it in the same queue has been done, and the copy is still there.
    await mirrored('after-it')
    assert(await copyIn('shared'))
    life.need('shop/second')
    await eventually('it is gone', async () => (await copyIn('shared')) === undefined)
    assert(await root.client.get(configMaps, { namespace, name: 'shared' }))
  })

  it('have a name of their own where something else in the leaf has theirs, which stays as it is', async () => {
    const metadata = { namespace, name: 'taken' }
    const foreign = unwrap(await leaf.client.create(configMaps, { metadata, data: { owner: 'leaf' } } as KubeObject))
    await inRoot('taken', { owner: 'root' })
    life.need('shop/guest', key('taken'))
    await eventually('it is there, and the pod is told', () => {
      return life.copies.stateOf(key('taken')) === 'current' && life.woken.includes('shop/guest')
    })
    const name = life.copies.nameOf(key('taken'))
    assert.notEqual(name, 'taken')
    assert.deepEqual((await copyIn(name))?.data, { owner: 'root' })
    await root.client.patch(configMaps, metadata, { data: { owner: 'still root' } }, { type: 'merge' })
    await eventually('it follows', async () => (await copyIn(name))?.data?.owner === 'still root')
    life.need('shop/guest')
    await eventually('it is collected', async () => (await copyIn(name)) === undefined)
    const now = await copyIn('taken')
    assert.equal(now?.metadata.resourceVersion, foreign?.metadata.resourceVersion)
  })

  it('that the leaf refuses are told, with what it said', async () => {
    await root.client.create(namespaces, { metadata: { name: 'ending' } })
    const ending = { metadata: { name: 'ending', finalizers: ['example.com/keep'] } }
    await leaf.client.create(namespaces, ending)
    await leaf.client.delete(namespaces, { name: 'ending' })
    await root.client.create(configMaps, { metadata: { namespace: 'ending', name: 'c' } })
    life.need('ending/pod', 'configmaps/ending/c')
    await eventually('it is refused', () => life.copies.stateOf('configmaps/ending/c') === 'refused')
    assert.match(life.copies.refusalOf('configmaps/ending/c') ?? '', /is being terminated/)
    assert(life.woken.includes('ending/pod'))
  })

  it('whose change the leaf refuses stay as they are, which the object says, and a few of the pods that use it', async () => {
    await mirrored('barred')
    const metadata = { name: 'barred' }
    const rule = { apiGroups: [''], apiVersions: ['v1'], operations: ['UPDATE'], resources: ['configmaps'] }
    const matchConstraints = { resourceRules: [{ ...rule, resourceNames: ['barred'] }] }
    const validations = [{ expression: 'false', message: 'not today' }]
    const spec = { matchConstraints, validations }
    const binding = { policyName: 'barred', validationActions: ['Deny'] }
    unwrap(await leaf.client.create(policies, { metadata, spec } as KubeObject))
    unwrap(await leaf.client.create(bindings, { metadata, spec: binding } as KubeObject))
    const change = { data: { colour: 'blue' } }
    const target = { namespace, name: 'barred' }
    await eventually('it is refused', async () => {
      return !(await leaf.client.patch(configMaps, target, change, { type: 'merge', dryRun: true })).ok
    })
    const crowd = Array.from({ length: 500 }, (_, index) => `shop/one-of-many-${index}`)
    for (const pod of crowd) life.need(pod, key('barred'))
    await root.client.patch(configMaps, target, change, { type: 'merge' })
    const told = () => life.told.filter((one) => one.includes(' barred'))
    await eventually('it is told', () => told().length > 0)
    const said = /: ConfigurationNotUpdated: ConfigMap barred is in cluster east not as it is in the root: .*not today/
    for (const one of told()) assert.match(one, said)
    const about = told().map((one) => one.slice(0, one.indexOf(':')))
    assert.deepEqual(about.slice(0, 2), ['ConfigMap barred', 'Pod shop/pod-of-barred'])
    assert.equal(about.length, 11, 'the object, and a few of the pods')
    for (const pod of crowd) life.need(pod)
    assert.deepEqual((await copyIn('barred'))?.data, { colour: 'red' })
    await leaf.client.delete(bindings, metadata)
    await eventually('it follows then', async () => (await copyIn('barred'))?.data?.colour === 'blue')
    assert.equal(told().length, 11)
  })

  it('are not collected after a restart before every pod has been heard of', async () => {
    const { copy } = await mirrored('kept')
    const { copy: unneeded } = await mirrored('left-behind')
    await life.end()
    const known = Promise.withResolvers<void>()
    life = startCopies(copier, leaf.client, known.promise)
    await life.synced
    assert(await copyIn('left-behind'))
    life.need('shop/pod-of-kept', key('kept'))
    known.resolve()
    await eventually('what no pod needs is gone', async () => (await copyIn('left-behind')) === undefined)
    assert(unneeded)
    assert.equal((await copyIn('kept'))?.metadata.uid, copy.metadata.uid)
    await eventually('it is current', () => life.copies.stateOf(key('kept')) === 'current')
  })

  it('are not written again while nothing changes', async () => {
    await mirrored('quiet')
    const before = (await copied('quiet')).metadata.resourceVersion
    life.copies.enqueue(key('quiet'))
    await mirrored('after-quiet')
    assert.equal((await copyIn('quiet'))?.metadata.resourceVersion, before)
  })
})
