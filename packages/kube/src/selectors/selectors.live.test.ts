import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Client } from '../client/client.ts'
import { liveCluster } from '../live.fixture.ts'
import { configMaps } from '../objects/resources.ts'
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
})
