import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { load, loadAll } from 'js-yaml'
import { chart } from './chart.ts'
import { chartSources } from './sources.ts'
import { toTemplate } from './template.ts'

const deploy = new URL('../../../../deploy/', import.meta.url)
const files = chart(await chartSources(deploy))

/** What Helm does with the two forms that the generator writes. */
function renderTemplate(text: string, values: Record<string, unknown>): string {
  return text
    .replaceAll(/\{\{ \.Values\.(\w+) \| toJson \}\}/g, (_, name) => JSON.stringify(values[name]))
    .replaceAll(/ ?\{\{- toYaml \.Values\.(\w+) \| nindent \d+ \}\}/g, (_, name) => ` ${JSON.stringify(values[name])}`)
}

describe('the Helm chart in deploy/charts/kosmos', () => {
  it('is what the manifests generate (run packages/kosmosctl/src/chart/generate.ts)', async () => {
    const folder = new URL('charts/kosmos/', deploy)
    const present = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
    const paths = present.map(({ parentPath, name }) => `${parentPath}/${name}`.split('/charts/kosmos/')[1])
    assert.deepEqual(paths.map((path) => path?.replace(/^\//, '')).sort(), Object.keys(files).sort())
    for (const [path, text] of Object.entries(files)) {
      assert.equal(await readFile(new URL(path, folder), 'utf8'), text, path)
    }
  })

  it('renders with its default values to the objects of the manifests, without the namespace', async () => {
    const values = load(files['values.yaml'] ?? '') as Record<string, unknown>
    for (const path of ['rbac/clustertree.yaml', 'clustertree.yaml']) {
      const rendered = renderTemplate(files[`templates/${path.replaceAll('/', '-')}`] ?? '', values)
      const original = loadAll(await readFile(new URL(path, deploy), 'utf8')) as { kind: string }[]
      assert.deepEqual(
        loadAll(rendered),
        original.filter(({ kind }) => kind !== 'Namespace'),
      )
    }
  })

  it('says of every value of what type it is, and knows no others', () => {
    const defaults = load(files['values.yaml'] ?? '') as Record<string, unknown>
    const { properties, additionalProperties, required } = JSON.parse(files['values.schema.json'] ?? '')
    assert.deepEqual(Object.keys(properties), [...Object.keys(defaults), 'global'])
    assert.equal(additionalProperties, false)
    assert.deepEqual(required, ['image', 'logLevel'])
    assert.deepEqual(properties.replicas, { type: 'integer', minimum: 0 })
    assert.deepEqual(properties.image, { type: 'string', minLength: 1 })
    assert.deepEqual(properties.logLevel, { enum: ['debug', 'info', 'warn', 'error'] })
    assert.deepEqual(properties.resources, { type: 'object' })
    assert.deepEqual(properties.multiClusterServiceKinds, { type: 'boolean' })
  })

  it('keeps the kinds, and with them the clusters and exports, when it is uninstalled', () => {
    const definitions = Object.keys(files).filter((path) => /^templates\/(crds|mcs)-/.test(path))
    assert.ok(definitions.some((path) => path.includes('serviceexports')))
    for (const path of definitions) {
      const { metadata } = load((files[path] ?? '').replaceAll(/^\{\{.*\}\}$/gm, '')) as {
        metadata: { annotations: Record<string, string> }
      }
      assert.equal(metadata.annotations['helm.sh/resource-policy'], 'keep')
    }
  })
})

describe('a marked manifest', () => {
  it('becomes a template with the value on the line as default', () => {
    assert.deepEqual(toTemplate('spec:\n  replicas: 2 # helm: replicas\n'), {
      text: 'spec:\n  replicas: {{ .Values.replicas | toJson }}\n',
      values: [{ name: 'replicas', value: 2 }],
    })
  })

  it('becomes a template with the block below the key as default', () => {
    const { text, values } = toTemplate('a:\n  b: # helm: limits\n    cpu: 1\n    more: [x]\n  c: 2')
    assert.equal(text, 'a:\n  b: {{- toYaml .Values.limits | nindent 4 }}\n  c: 2')
    assert.deepEqual(values, [{ name: 'limits', value: { cpu: 1, more: ['x'] } }])
  })

  it('stays as it is where nothing is marked', () => {
    const text = 'a: b # a remark\nc:\n  - d: e'
    assert.deepEqual(toTemplate(text), { text, values: [] })
  })
})
