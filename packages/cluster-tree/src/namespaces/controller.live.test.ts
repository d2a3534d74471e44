import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { importedByLabel, rootClusterLabel } from '@kosmos/api'
import { configMaps, type KubeObject, namespaces, resource, unwrap } from '@kosmos/kube'
import { eventually, type LiveCluster, startCluster } from '../live.fixture.ts'
import { startNamespaces } from './fixture.ts'

const admission = 'admissionregistration.k8s.io/v1'
const policies = resource(admission, 'ValidatingAdmissionPolicy', 'validatingadmissionpolicies', 'Cluster')
const bindings = resource(admission, 'ValidatingAdmissionPolicyBinding', 'validatingadmissionpolicybindings', 'Cluster')
const ENFORCE = 'pod-security.kubernetes.io/enforce'

/** Without controllers a namespace that is deleted stays, Terminating: nobody finalises it. */
describe('a namespace of a leaf that was made for the root’s', () => {
  let root: LiveCluster
  let leaf: LiveCluster
  let stop = new AbortController()
  let running: Promise<void>
  let started: ReturnType<typeof startNamespaces>
  let name = ''
  let count = 0

  before(async () => {
    ;[root, leaf] = await Promise.all([startCluster('root'), startCluster('leaf')])
  })
  after(async () => await Promise.all([root?.end(), leaf?.end()]))

  beforeEach(async () => {
    stop = new AbortController()
    started = startNamespaces(root.client, leaf.client, 'root-1')
    running = started.run(stop.signal)
    name = `shop-${++count}`
    unwrap(await root.client.create(namespaces, { metadata: { name, labels: { [ENFORCE]: 'baseline', team: 'a' } } }))
    await eventually('the root’s is known', async () => (await started.copies.ensure(name)) && true)
  })
  afterEach(async () => {
    stop.abort()
    await running
  })

  const inLeaf = () => leaf.client.get(namespaces, { name })
  const label = async (key: string) => (await inLeaf())?.metadata.labels?.[key]
  /** Deleted and finalised, as its controller does it. */
  const removeFromRoot = async () => {
    unwrap(await root.client.delete(namespaces, { name }))
    await finalise()
  }
  const finalise = async () => {
    const { apiVersion, kind, metadata } = (await root.client.get(namespaces, { name })) ?? assert.fail()
    await root.client.connection.request({
      method: 'PUT',
      path: `/api/v1/namespaces/${name}/finalize`,
      body: { apiVersion, kind, metadata, spec: { finalizers: [] } },
    })
    await eventually('the root’s is gone', async () => !(await root.client.get(namespaces, { name })))
  }

  it('admits the pods that the root’s admits, also when that changes', async () => {
    await eventually('it has the label', async () => (await label(ENFORCE)) === 'baseline')
    assert.equal(await label('team'), undefined)
    await leaf.client.patch(namespaces, { name }, { metadata: { labels: { mine: 'yes' } } }, { type: 'merge' })
    await root.client.patch(namespaces, { name }, { metadata: { labels: { [ENFORCE]: null } } }, { type: 'merge' })
    await eventually('it has it no more', async () => (await label(ENFORCE)) === undefined)
    assert.equal(await label('mine'), 'yes')
  })

  it('goes with the root’s, once the last copies have gone', async () => {
    const copy = { namespace: name, name: 'copy', labels: { [rootClusterLabel]: 'root-1' } }
    const imported = { namespace: name, name: 'imported', labels: { [importedByLabel]: 'root-1' } }
    for (const metadata of [copy, imported]) unwrap(await leaf.client.create(configMaps, { metadata }))
    await removeFromRoot()
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    assert.equal((await inLeaf())?.metadata.deletionTimestamp, undefined)
    await leaf.client.delete(configMaps, { namespace: name, name: 'copy' })
    await eventually('it is deleted', async () => (await inLeaf())?.metadata.deletionTimestamp)
    assert.deepEqual(started.kept, [])
  })

  it('stays while something of others is in it, which is said once', async () => {
    const foreign = { namespace: name, name: 'foreign' }
    unwrap(await leaf.client.create(configMaps, { metadata: foreign }))
    await removeFromRoot()
    await eventually('it is said', () => started.kept.length > 0)
    // Some looks later.
    await new Promise((resolve) => setTimeout(resolve, 500))
    assert.deepEqual(started.kept, [`${name}: ConfigMap ${name}/foreign`])
    assert.equal((await inLeaf())?.metadata.deletionTimestamp, undefined)
    unwrap(await leaf.client.create(configMaps, { metadata: { ...foreign, name: 'other' } }))
    await leaf.client.delete(configMaps, foreign)
    await eventually('the other is said', () => started.kept[1] === `${name}: ConfigMap ${name}/other`)
    await leaf.client.delete(configMaps, { ...foreign, name: 'other' })
    await eventually('it is deleted', async () => (await inLeaf())?.metadata.deletionTimestamp)
  })

  it('that the leaf does not let go is told, and tried again', async (t) => {
    const metadata = { name: 'nothing-goes' }
    const resourceRules = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['DELETE'], resources: ['namespaces'] }]
    const validations = [{ expression: 'false', message: 'not today' }]
    const binding = { policyName: metadata.name, validationActions: ['Deny'] }
    for (const [resource, spec] of [
      [policies, { matchConstraints: { resourceRules }, validations }],
      [bindings, binding],
    ] as const) {
      unwrap(await leaf.client.create(resource, { metadata, spec } as KubeObject))
      t.after(() => leaf.client.delete(resource, metadata))
    }
    await eventually('it is refused', async () => {
      return !(await leaf.client.delete(namespaces, { name }, { dryRun: true })).ok
    })
    await removeFromRoot()
    const told = () => started.failures.filter((one) => one.includes(`namespace ${name} cannot be deleted in leaf`))
    await eventually('it is told', () => told().some((one) => one.includes('not today')))
    await leaf.client.delete(bindings, metadata)
    await eventually('it is deleted', async () => (await inLeaf())?.metadata.deletionTimestamp)
  })

  it('is nobody’s when it was there before, or is taken back by whoever has the leaf', async () => {
    const labels = { [rootClusterLabel]: null }
    unwrap(await leaf.client.patch(namespaces, { name }, { metadata: { labels } }, { type: 'merge' }))
    assert.equal(await started.copies.ensure(name), 'present')
    const { resourceVersion } = (await inLeaf())?.metadata ?? {}
    await root.client.patch(
      namespaces,
      { name },
      { metadata: { labels: { [ENFORCE]: 'privileged' } } },
      { type: 'merge' },
    )
    await removeFromRoot()
    await new Promise((resolve) => setTimeout(resolve, 500))
    assert.equal((await inLeaf())?.metadata.resourceVersion, resourceVersion)
  })
})
