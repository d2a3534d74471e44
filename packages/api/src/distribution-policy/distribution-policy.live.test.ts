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
import { defaultDistributionPolicy, distributionPolicyProblems } from './distribution-policy.ts'
import { distributionPolicySpec } from './spec.ts'

const group = '/apis/kosmos.io/v1alpha1'
const kinds = [
  {
    kind: 'DistributionPolicy',
    path: `${group}/namespaces/default/distributionpolicies`,
    file: 'distributionpolicies',
  },
  {
    kind: 'ClusterDistributionPolicy',
    path: `${group}/clusterdistributionpolicies`,
    file: 'clusterdistributionpolicies',
  },
]
const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

const fine = {
  resourceSelectors: [{ policyName: 'leaf', namePrefix: 'web-' }],
  policyTerms: [{ name: 'leaf', nodeType: 'leaf' }],
}
const withTerm = (term: object) => ({ ...fine, policyTerms: [{ name: 'leaf', ...term }] })

const parts = jsonSchema(distributionPolicySpec).properties ?? {}
const itemsOf = (list: string) => valuesOf(parts[list]?.items ?? assert.fail()) as fc.Arbitrary<object>
/** Selectors whose terms are there, which chance would hardly bring about. */
const goodSpecs = fc
  .record({
    selectors: fc.array(itemsOf('resourceSelectors'), { minLength: 1, maxLength: 3 }),
    terms: fc.array(itemsOf('policyTerms'), { minLength: 1, maxLength: 3 }),
  })
  .map(({ selectors, terms }) => ({
    resourceSelectors: selectors.map((selector, i) => ({ ...selector, policyName: `term${i % terms.length}` })),
    policyTerms: terms.map((term, i) => ({ ...term, name: `term${i}` })),
  }))

describe('the CRDs of distribution policies on an API server', () => {
  let controlPlane: ControlPlane
  let api: ApiServer
  const manifest = (kind: string, spec: unknown) => ({
    apiVersion: 'kosmos.io/v1alpha1',
    kind,
    metadata: { name: 'web' },
    spec,
  })
  const tryOut = async (spec: unknown, { kind, path } = kinds[0] ?? assert.fail()) =>
    await api.send('POST', `${path}?dryRun=All&fieldValidation=Strict`, manifest(kind, spec))

  before(async () => {
    controlPlane = await startControlPlane()
    api = apiServer(controlPlane)
    for (const { file, path } of kinds) {
      const url = new URL(`../../../../deploy/crds/kosmos.io_${file}.yaml`, import.meta.url)
      const created = await api.send('POST', `${definitions}?fieldValidation=Strict`, load(readFileSync(url, 'utf8')))
      assert.equal(created.code, 201, created.body.message)
      while ((await api.send('GET', path)).code !== 200) await sleep(100)
    }
  })
  after(async () => {
    api?.close()
    await controlPlane?.stop()
  })

  it("take policies as the original's users wrote them, and set mix where no type of nodes is named", async () => {
    for (const kind of kinds) {
      const { code, body } = await tryOut(withTerm({}), kind)
      assert.equal(code, 201, body.message)
      assert.deepEqual(body.spec, withTerm({ nodeType: 'mix' }))
    }
  })

  const tolerating = (toleration: object) => withTerm({ nodeType: 'adv', advancedTerm: { tolerations: [toleration] } })
  for (const [spec, sentence] of [
    [{ ...fine, resourceSelectors: [] }, /at least one selector/],
    [{ ...fine, policyTerms: [] }, /at least one term/],
    [{ ...fine, resourceSelectors: [{ policyName: 'other' }] }, /must be the name of one of the policyTerms/],
    [withTerm({ nodeType: 'adv' }), /needs an advancedTerm/],
    [withTerm({ nodeType: 'adv', advancedTerm: { nodeName: '' } }), /needs an advancedTerm/],
    [tolerating({ value: 'a' }), /without a key needs the operator Exists/],
    [tolerating({ key: 'a', operator: 'Exists', value: 'a' }), /has no value/],
    [tolerating({ key: 'a', tolerationSeconds: 3 }), /goes with the effect NoExecute/],
  ] as const) {
    it(`refuse ${JSON.stringify(spec)} with the sentence that the CLI says`, async () => {
      const { code, body } = await tryOut(spec)
      assert.equal(code, 422)
      assert.match(body.message, sentence)
      assert.match(
        distributionPolicyProblems({ spec })
          .map(({ message }) => message)
          .join(),
        sentence,
      )
    })
  }

  it('agree with the CLI about random manifests, and set the same defaults', { timeout: 300_000 }, async () => {
    const schema = jsonSchema(distributionPolicySpec)
    const specs = fc.oneof(goodSpecs, ...[50, 20].map((odd) => valuesOf(schema, odd)))
    await fc.assert(
      fc.asyncProperty(specs, async (spec) => {
        const { code, body } = await tryOut(spec)
        const problems = distributionPolicyProblems({ spec })
        assert.equal(code === 201, problems.length === 0, `${body.message} ${JSON.stringify(problems)}`)
        if (code === 201) assert.deepEqual(body.spec, defaultDistributionPolicy({ spec }).spec)
      }),
      { numRuns: 300 },
    )
  })
})
