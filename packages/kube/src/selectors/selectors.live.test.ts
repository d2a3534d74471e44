import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Client } from '../client/client.ts'
import { liveCluster } from '../live.fixture.ts'
import { configMaps, nodes, secrets } from '../objects/resources.ts'
import { FieldSelector, parseFieldSelector } from './field-selector.ts'
import { LabelSelector } from './label-selector.ts'
import { parseLabelSelector } from './parse-labels.ts'
import { labels, requirements } from './samples.fixture.ts'

/** Texts near the grammar, most of them wrong somewhere. */
const texts = fc
  .array(fc.constantFrom('a', 'b', 'in', 'notin', '(', ')', ',', '=', '==', '!=', '!', '>', '<', '5', ' ', '-x'), {
    minLength: 1,
    maxLength: 7,
  })
  .map((parts) => parts.join(''))
  .filter((text) => text.trim() !== '')

const attempt = <T>(parse: () => T): T | undefined => {
  try {
    return parse()
  } catch {
    return undefined
  }
}

describe('objects that an API server selects', () => {
  const cluster = liveCluster()

  async function labelled(client: Client): Promise<Map<string, Record<string, string>>> {
    const namespace = await cluster.namespace('labelled')
    const objects = new Map(fc.sample(labels, 60).map((own, i) => [`c${i}`, own]))
    for (const [name, own] of objects) await client.create(configMaps, { metadata: { namespace, name, labels: own } })
    return objects
  }

  it('by labels are those that our selector matches, and both refuse the same texts', async () => {
    const client = await cluster.client()
    const objects = await labelled(client)
    const random = fc.sample(fc.array(requirements, { minLength: 1, maxLength: 3 }), 150)
    let refused = 0
    for (const text of [...random.map((all) => new LabelSelector(all).toString()), ...fc.sample(texts, 300)]) {
      const selector = attempt(() => parseLabelSelector(text))
      const list = client.listAll(configMaps, { namespace: 'labelled', labelSelector: text, metadataOnly: true })
      if (selector === undefined) {
        refused++
        await assert.rejects(list, text)
        continue
      }
      const ours = [...objects].filter(([, own]) => selector.matches(own)).map(([name]) => name)
      const theirs = (await list.catch((cause) => assert.fail(`${text}: ${cause}`))).map((o) => o.metadata?.name)
      assert.deepEqual(theirs.toSorted(), ours.toSorted(), text)
    }
    assert.ok(refused > 50 && refused < 300)
  })

  it('by fields are those that our selector matches', async () => {
    const client = await cluster.client()
    const namespace = await cluster.namespace('fields')
    const kinds = ['', 'Opaque', 'example.com/a,b', 'example.com/a=b', 'x\\y']
    for (const [i, type] of kinds.entries()) {
      const created = await client.create(secrets, { metadata: { namespace, name: `s${i}` }, type } as object)
      assert.ok(created.ok)
    }
    const all = await client.listAll(secrets, { namespace })
    const fieldsOf = (name = '', type = '') => ({ 'metadata.name': name, 'metadata.namespace': namespace, type })
    const terms = fc.record({
      field: fc.constantFrom('metadata.name', 'type'),
      operator: fc.constantFrom('=' as const, '!=' as const),
      value: fc.constantFrom('s0', 's1', ...kinds),
    })
    for (const sample of fc.sample(fc.uniqueArray(terms, { selector: (t) => t.field, maxLength: 2 }), 100)) {
      const selector = new FieldSelector(sample)
      const theirs = await client.listAll(secrets, { namespace, fieldSelector: selector.toString() })
      const ours = all.filter((s) => selector.matches(fieldsOf(s.metadata.name, s.type)))
      assert.deepEqual(
        theirs.map((s) => s.metadata.name),
        ours.map((s) => s.metadata.name),
        selector.toString(),
      )
    }
  })

  it('are refused by field selectors that we refuse', async () => {
    const client = await cluster.client()
    for (const text of ['metadata.name', 'metadata.name in (a)', 'metadata.name=a=b', 'metadata.name=a\\b']) {
      assert.equal(
        attempt(() => parseFieldSelector(text)),
        undefined,
      )
      await assert.rejects(client.listAll(nodes, { fieldSelector: text }), text)
    }
  })
})
