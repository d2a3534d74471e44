import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ControlPlane, startControlPlane } from '@kosmos/testbed'
import fc from 'fast-check'
import { load } from 'js-yaml'
import { jsonSchema } from '../schema/json.ts'
import { type ApiServer, apiServer } from '../testing/api-server.ts'
import { valuesOf } from '../testing/arbitrary.ts'
import { workloadPolicySpec } from './spec.ts'
import { defaultWorkloadPolicy, workloadPolicyProblems } from './workload-policy.ts'

const policies = '/apis/kosmos.io/v1alpha1/namespaces/default/workloadpolicies'
const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const file = new URL('../../../../deploy/crds/kosmos.io_workloadpolicies.yaml', import.meta.url)

const manifest = (spec: unknown) => ({
  apiVersion: 'kosmos.io/v1alpha1',
  kind: 'WorkloadPolicy',
  metadata: { namespace: 'default', name: 'web' },
  spec,
})
const fine = {
  topologyKey: 'kosmos.io/cluster',
  labelSelector: { matchLabels: { app: 'web' } },
  allocationPolicy: [{ name: 'leaf1', replicas: 2 }],
}
const withAllocation = (allocation: object) => ({ ...fine, allocationPolicy: [{ name: 'leaf1', ...allocation }] })

describe('the CRD of WorkloadPolicy on an API server', () => {
  let controlPlane: ControlPlane
  let api: ApiServer
  const tryOut = (spec: unknown) => api.send('POST', `${policies}?dryRun=All&fieldValidation=Strict`, manifest(spec))

  before(async () => {
    controlPlane = await startControlPlane()
    api = apiServer(controlPlane)
    const definition = load(readFileSync(file, 'utf8'))
    const created = await api.send('POST', `${definitions}?fieldValidation=Strict`, definition)
    assert.equal(created.code, 201, created.body.message)
    while ((await api.send('GET', policies)).code !== 200) await sleep(100)
  })
  after(async () => {
    api?.close()
    await controlPlane?.stop()
  })

  it("takes a policy as the original's users wrote it, and sets the original's defaults", async () => {
    const { code, body } = await tryOut(fine)
    assert.equal(code, 201, body.message)
    assert.deepEqual(body.spec, {
      ...fine,
      allocationType: 'Preferred',
      allocationMethod: 'Balance',
      allocationScope: 'Revision',
    })
  })

  for (const [spec, sentence] of [
    [withAllocation({}), /say either replicas, an exact count, or weight/],
    [withAllocation({ replicas: 1, weight: 1 }), /say either replicas/],
    [withAllocation({ replicas: 1, max: 2 }), /min and max go with weight/],
    [withAllocation({ weight: 1, min: 3, max: 2 }), /min must not be more than max/],
    [{ ...fine, allocationPolicy: [] }, /at least one allocation/],
    [{ ...fine, allocationPolicy: [1, 2].map((weight) => ({ name: 'leaf1', weight })) }, /one allocation of a name/],
    [{ ...fine, labelSelector: undefined }, /say which pods it is about/],
    [{ ...fine, workload: { kind: 'Job', name: 'web' } }, /say which pods it is about/],
  ] as const) {
    it(`refuses ${JSON.stringify(spec)} with the sentence that the CLI says`, async () => {
      const { code, body } = await tryOut(spec)
      assert.equal(code, 422)
      assert.match(body.message, sentence)
      assert.match(workloadPolicyProblems({ spec })[0]?.message ?? '', sentence)
    })
  }

  it('refuses weights and counts that are none, two of one name, and kinds without pods', async () => {
    const twice = [1, 2].map((weight) => ({ name: 'leaf1', weight }))
    for (const spec of [
      withAllocation({ weight: 0 }),
      withAllocation({ replicas: -1 }),
      withAllocation({ weight: 1.5 }),
      { ...fine, allocationPolicy: twice },
      { ...fine, labelSelector: undefined, workload: { kind: 'Service', name: 'web' } },
      { ...fine, topologyKey: '' },
    ]) {
      const { code } = await tryOut(spec)
      assert.equal(code, 422, JSON.stringify(spec))
      assert.notDeepEqual(workloadPolicyProblems({ spec }), [], JSON.stringify(spec))
    }
  })

  it('agrees with the CLI about random manifests, and sets the same defaults', { timeout: 300_000 }, async () => {
    const schema = jsonSchema(workloadPolicySpec)
    const specs = fc.oneof(valuesOf(schema), ...[50, 20].map((odd) => valuesOf(schema, odd)))
    await fc.assert(
      fc.asyncProperty(specs, async (spec) => {
        const { code, body } = await tryOut(spec)
        const problems = workloadPolicyProblems(manifest(spec))
        assert.equal(code === 201, problems.length === 0, `${body.message} ${JSON.stringify(problems)}`)
        if (code === 201) assert.deepEqual(body.spec, defaultWorkloadPolicy(manifest(spec)).spec)
      }),
      { numRuns: 300 },
    )
  })
})
