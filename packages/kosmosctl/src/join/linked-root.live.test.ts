import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { linkFinalizer } from '@kosmos/api'
import { type Client, leases, namespaces } from '@kosmos/kube'
import { createReviewAccess } from '@kosmos/kube/auth'
import { check } from '../check/check.ts'
import { clusters } from '../clusters/resources.ts'
import { listClusters } from '../get/clusters.ts'
import { definitions } from '../install/definitions.ts'
import { changesSince, eventually, inventory, liveClusters, recorded, unchanged } from '../live.fixture.ts'
import { explain } from '../terminal/explain.ts'
import { silent } from '../terminal/progress.ts'
import { leftOfUnjoin } from '../unjoin/left.ts'
import { planUnjoin } from '../unjoin/plan.ts'
import { unjoin } from '../unjoin/unjoin.ts'
import { join } from './join.ts'
import { leftOfJoin } from './left.ts'
import { JoinRefused } from './look.ts'
import type { JoinOptions } from './options.ts'
import { planJoin } from './plan.ts'

const name = 'home'
/** What a join leaves in a root for the next one: the kinds. */
const kinds = () => [
  ...definitions().map(({ metadata }) => `CustomResourceDefinition /${metadata?.name}`),
  'CustomResourceDefinition /serviceexports.multicluster.x-k8s.io',
  'CustomResourceDefinition /serviceimports.multicluster.x-k8s.io',
]

describe('a root that joins itself to the network of ClusterLink', () => {
  let client: Client
  let pristine: string[]
  const { root } = liveClusters(['root'], async ({ root }) => {
    client = root.client
    pristine = await inventory(client)
  })
  const options = (differences: Partial<JoinOptions> = {}): JoinOptions => ({
    name,
    root: root.source,
    leaf: root.source,
    tree: false,
    link: { networkType: 'gateway' },
    ...differences,
  })
  const said = async () => (await client.get(clusters, { name }))?.spec.clusterLinkOptions
  const leave = (force = false) => unjoin({ name, root: root.source, force }, silent)

  it('is refused with virtual nodes, and told how', async () => {
    const error = await join(options({ tree: true }), silent).catch((error: unknown) => error)
    assert.ok(error instanceof JoinRefused)
    assert.match(JSON.stringify(error.findings), /or link the root itself: --link --no-tree/)
    assert.deepEqual(await changesSince(pristine, client), unchanged)
  })

  it('sees what it would create, and nothing is created', async () => {
    const { leaf, root } = await planJoin(options(), silent)
    assert.deepEqual(leaf, [])
    const planned = root.map(({ kind, metadata }) => `${kind} ${metadata?.namespace ?? ''}/${metadata?.name}`)
    assert.deepEqual(await changesSince(pristine, client), unchanged)
    await join(options(), silent)
    const { added } = await changesSince(pristine, client)
    assert.deepEqual(
      added.filter((one) => !/^(ControllerRevision|Pod) /.test(one)),
      planned.sort(),
    )
  })

  it('says of an interruption in any of its steps nothing of an account, which there is none of', async () => {
    const progress = recorded()
    await join(options(), progress)
    const { titles } = progress
    assert.ok(titles.length >= 3, titles.join())
    for (const title of titles) {
      const { what, next } = leftOfJoin(name, title)
      assert.doesNotMatch(`${title}: ${what}; ${next}`, /account|leaf/)
    }
  })

  it('is a Cluster with agents and no account: neither a Secret nor a virtual node', async () => {
    const { added } = await changesSince(pristine, client)
    assert.ok(added.includes('DaemonSet kosmos-link/kosmos-link-agent'), added.join('\n'))
    assert.deepEqual(
      added.filter((one) => /^(Secret|Node) |kosmos-system/.test(one)),
      [],
    )
    const { metadata, spec } = (await client.get(clusters, { name })) ?? {}
    assert.equal(metadata?.annotations?.['kosmos.io/cluster-role'], 'root')
    assert.equal(spec?.credentialsSecretRef, undefined)
    assert.equal(spec?.clusterTreeOptions?.enable, false)
  })

  it('lets its controllers see how old the words of its agents are', async () => {
    const user = { name: 'system:serviceaccount:kosmos-system:clusterlink', groups: [] }
    const attributes = {
      verb: 'watch',
      group: 'coordination.k8s.io',
      resource: leases.plural,
      namespace: 'kosmos-link',
    }
    const mayWatch = () => createReviewAccess(client)(user, { resourceAttributes: attributes })
    await eventually(mayWatch, 'the controllers of ClusterLink may watch the Leases of the agents')
  })

  it('can do it again, and what is not said again stays', async () => {
    const before = await said()
    assert.equal(before?.networkType, 'gateway')
    const result = await join(options({ tree: undefined, link: {} }), silent)
    assert.deepEqual(Object.keys(result.leaf), ['server', 'id'])
    assert.deepEqual(await said(), before)
  })

  it('cannot do it under a second name', async () => {
    const error = await join(options({ name: 'second' }), silent).catch((error: unknown) => error)
    assert.ok(error instanceof JoinRefused)
    assert.ok(error.findings.some(({ verdict }) => verdict.what === 'the leaf is joined already, as "home"'))
  })

  it('is looked at as a member, not as a leaf', async () => {
    const aboutHome = async () => {
      const findings = await check({ root: root.source }, silent)
      return findings.filter(({ cluster }) => cluster === name).map(({ id, verdict }) => [id, verdict.status])
    }
    assert.deepEqual(await aboutHome(), [['linked', 'problem']])
    const linked = { type: 'Linked', status: 'True', reason: 'Linked', message: 'linked with 1 cluster' }
    const status = { conditions: [{ ...linked, lastTransitionTime: new Date().toISOString() }] }
    assert.ok((await client.patch(clusters, { name }, { status }, { type: 'merge', subresource: 'status' })).ok)
    assert.deepEqual(await aboutHome(), [['linked', 'ok']])
    const { rows } = await listClusters(client)
    assert.deepEqual(rows[0]?.cells.slice(0, 5), [name, '', '', '', 'True'])
  })

  it('leaves as it came, by a plan that says so', async () => {
    const { root: going, leaf } = await planUnjoin({ name, root: root.source }, silent)
    assert.deepEqual(leaf, [])
    assert.ok(going.includes('Cluster home') && going.includes('DaemonSet kosmos-link/kosmos-link-agent'), going.join())
    const progress = recorded()
    assert.deepEqual(await unjoin({ name, root: root.source }, progress), { cluster: name, podsGone: 0, remains: [] })
    assert.deepEqual(progress.warnings, [])
    for (const title of progress.titles) {
      const { what, next } = leftOfUnjoin(name, title)
      assert.doesNotMatch(`${title}: ${what}; ${next}`, /account|leaf|Secret/)
    }
    const back = async () => {
      const { added, gone } = await changesSince(pristine, client)
      return gone.length === 0 && JSON.stringify(added) === JSON.stringify(kinds().sort())
    }
    await eventually(back, 'the root has nothing of the agents any more')
  })

  it('leaves by force when no controller lets the Cluster go', async () => {
    await join(options(), silent)
    const patch = { metadata: { finalizers: [linkFinalizer] } }
    assert.ok((await client.patch(clusters, { name }, patch, { type: 'merge' })).ok)
    await leave(true)
    assert.equal(await client.get(clusters, { name }), undefined)
  })

  it('does not take over agents that somebody else has brought', async () => {
    const gone = async () => !(await inventory(client)).some((one) => one.includes('kosmos-link'))
    await eventually(gone, 'what was there before is gone')
    await client.create(namespaces, { metadata: { name: 'kosmos-link' } })
    const error = await join(options(), silent).catch((error: unknown) => error)
    assert.match(explain(error).message, /Namespace kosmos-link exists and was not made for this root/)
  })
})
