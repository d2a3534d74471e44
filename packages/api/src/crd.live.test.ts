import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ControlPlane, startControlPlane } from '@kosmos/testbed'
import fc from 'fast-check'
import { load } from 'js-yaml'
import { defaultCluster, validateCluster } from './cluster/cluster.ts'
import { clusterCondition } from './cluster/conditions.ts'
import { clusterSpec } from './cluster/spec.ts'
import { clusterNameMaxLength, virtualNodeName } from './names.ts'
import { withCondition } from './schema/condition.ts'
import { jsonSchema } from './schema/json.ts'
import { type ApiServer, apiServer } from './testing/api-server.ts'
import { valuesOf } from './testing/arbitrary.ts'
import { brokenClusters } from './testing/broken.ts'
import { originalManifests } from './testing/manifests.ts'
import { clusterRules } from './testing/rules.ts'

const clusters = '/apis/kosmos.io/v1alpha1/clusters'
const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const manifest = load(
  readFileSync(new URL('../../../deploy/crds/kosmos.io_clusters.yaml', import.meta.url), 'utf8'),
) as object

interface Table {
  columnDefinitions: { name: string; priority: number }[]
  rows: { cells: unknown[] }[]
}

const cluster = (spec: unknown, name = 'leaf-a') => ({
  apiVersion: 'kosmos.io/v1alpha1',
  kind: 'Cluster',
  metadata: { name },
  spec,
})

describe('the CRD of Cluster on an API server', () => {
  let controlPlane: ControlPlane
  let api: ApiServer

  before(async () => {
    controlPlane = await startControlPlane()
    api = apiServer(controlPlane)
    const created = await api.send('POST', `${definitions}?fieldValidation=Strict`, manifest)
    assert.equal(created.code, 201, created.body.message)
  })

  after(async () => {
    api?.close()
    await controlPlane?.stop()
  })

  /** What the API server says to a manifest, without storing it. Unknown fields are refused, as with kubectl. */
  const tryOut = (object: unknown) => api.send('POST', `${clusters}?dryRun=All&fieldValidation=Strict`, object)

  it('is established and has no structural problem', async () => {
    let conditions: { type: string; status: string; message: string }[] = []
    while (!conditions.some(({ type, status }) => type === 'Established' && status === 'True')) {
      const { body } = await api.send('GET', `${definitions}/clusters.kosmos.io`)
      conditions = (body.status as { conditions?: typeof conditions } | undefined)?.conditions ?? []
      await sleep(100)
    }
    assert.deepEqual(conditions.map(({ type, status }) => [type, status]).sort(), [
      ['Established', 'True'],
      ['NamesAccepted', 'True'],
    ])
    while ((await api.send('GET', clusters)).code !== 200) await sleep(100)
  })

  for (const [file, original] of originalManifests) {
    it(`accepts the original's ${file} and sets the defaults that the CLI sets`, async () => {
      const { code, body } = await tryOut(original)
      assert.equal(code, 201, body.message)
      assert.deepEqual(body.spec, defaultCluster(original).spec)
    })
  }

  it("accepts a ClusterNode as the original's controllers write it", async () => {
    const definition = load(
      readFileSync(new URL('../../../deploy/crds/kosmos.io_clusternodes.yaml', import.meta.url), 'utf8'),
    )
    const created = await api.send('POST', `${definitions}?fieldValidation=Strict`, definition)
    assert.equal(created.code, 201, created.body.message)
    const clusterNodes = '/apis/kosmos.io/v1alpha1/clusternodes'
    while ((await api.send('GET', clusterNodes)).code !== 200) await sleep(100)
    const spec = {
      clusterName: 'leaf-a',
      nodeName: 'node-1',
      podCIDRs: ['10.1.0.0/24', 'fd00:1::/64'],
      ip: '172.30.0.11',
      ip6: 'fd00:30::11',
      roles: ['gateway'],
      interfaceName: 'eth0',
    }
    const object = { apiVersion: 'kosmos.io/v1alpha1', kind: 'ClusterNode', metadata: { name: 'leaf-a-node-1' }, spec }
    const { code, body } = await api.send('POST', `${clusterNodes}?dryRun=All&fieldValidation=Strict`, object)
    assert.equal(code, 201, body.message)
    assert.deepEqual(body.spec, spec)
  })

  for (const { sentence, name, spec } of brokenClusters) {
    it(`refuses ${JSON.stringify(name ?? spec)} with the sentence that the CLI says`, async () => {
      const rule = [...clusterRules].find((message) => message.includes(sentence))
      assert.ok(rule, `no rule says ${sentence}`)
      const { code, body } = await tryOut(cluster(spec, name))
      assert.equal(code, 422)
      assert.ok(body.message.includes(rule), body.message)
      const problems = validateCluster(cluster(spec, name))
      assert.equal(problems.length, 1)
      if (name === undefined) assert.equal(problems[0]?.message, rule)
    })
  }

  it('has an example above for every rule', () => {
    const shown = brokenClusters.map(({ sentence }) => [...clusterRules].find((rule) => rule.includes(sentence)))
    assert.deepEqual(new Set(shown), clusterRules)
  })

  it('lets the longest name through that a node can have', async () => {
    const name = 'a'.repeat(clusterNameMaxLength)
    const { code, body } = await tryOut(cluster({}, name))
    assert.equal(code, 201, body.message)
    const node = {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: virtualNodeName(name), labels: { 'kubernetes.io/hostname': virtualNodeName(name) } },
    }
    assert.equal((await api.send('POST', '/api/v1/nodes?dryRun=All', node)).code, 201)
  })

  it('takes a leaf of a thousand nodes in the node model, so the rules are cheap enough', async () => {
    const labels = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`example.org/label-${i}`, `value-${i}`]))
    const leafModels = Array.from({ length: 1000 }, (_, i) => ({ labels, nodeSelector: { nodeName: `node-${i}` } }))
    const { code, body } = await tryOut(cluster({ clusterTreeOptions: { leafModels } }))
    assert.equal(code, 201, body.message)
  })

  it('agrees with the CLI about random manifests, and sets the same defaults', { timeout: 300_000 }, async () => {
    const schema = jsonSchema(clusterSpec)
    const specs = fc.oneof(valuesOf(schema), ...[80, 30, 10].map((odd) => valuesOf(schema, odd)))
    const seen = { accepted: 0, refused: 0 }
    await fc.assert(
      fc.asyncProperty(specs, async (spec) => {
        const object = cluster(spec)
        const { code, body } = await tryOut(object)
        const problems = validateCluster(object)
        if (code === 201) {
          seen.accepted++
          assert.deepEqual(problems, [])
          assert.deepEqual(body.spec, defaultCluster(object).spec)
        } else {
          seen.refused++
          assert.ok(problems.length > 0, `the CLI accepts what the API server refuses: ${code} ${body.message}`)
        }
      }),
      { numRuns: 600 },
    )
    assert.ok(seen.accepted > 100 && seen.refused > 100, JSON.stringify(seen))
  })

  describe('the status', () => {
    it('is a subresource: it is neither written with the object nor the object with it', async () => {
      const { code, body } = await api.send('POST', clusters, { ...cluster({}, 'leaf-s'), status: { virtualNodes: 7 } })
      assert.equal(code, 201, body.message)
      assert.equal(body.status, undefined)
      const conditions = withCondition([], clusterCondition('Reachable', 'LeafReachable'), '2026-11-25T00:00:00Z')
      const status = {
        conditions,
        virtualNodes: 1,
        version: 'v1.37.2',
        clusterTreeStatus: { leafNodeItems: [{ leafNodeName: 'kosmos-leaf-s' }] },
      }
      const patch = { spec: { namespace: 'elsewhere' }, status }
      const patched = await api.send('PATCH', `${clusters}/leaf-s/status`, patch, 'application/merge-patch+json')
      assert.equal(patched.code, 200, patched.body.message)
      assert.deepEqual(patched.body.status, status)
      assert.deepEqual(patched.body.spec, { namespace: 'kosmos-system' })
    })

    it('has one condition of a type', async () => {
      const [condition] = withCondition([], clusterCondition('Reachable', 'LeafReachable'), '2026-11-25T00:00:00Z')
      const patch = { status: { conditions: [condition, condition] } }
      const { code, body } = await api.send('PATCH', `${clusters}/leaf-s/status`, patch, 'application/merge-patch+json')
      assert.equal(code, 422)
      assert.match(body.message, /status\.conditions\[1\]: Duplicate value/)
    })

    it('shows in the columns of kubectl get', async () => {
      const { body } = await api.send(
        'GET',
        clusters,
        undefined,
        'application/json',
        'application/json;as=Table;g=meta.k8s.io;v=v1',
      )
      const { columnDefinitions, rows } = body as unknown as Table
      const shown = columnDefinitions.filter(({ priority }) => priority === 0).map(({ name }) => name)
      assert.deepEqual(shown, ['Name', 'Reachable', 'VirtualNodes', 'Version', 'Age'])
      assert.deepEqual(rows[0]?.cells.slice(0, 4), ['leaf-s', 'True', 1, 'v1.37.2'])
    })
  })
})
