import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { logQuery, parseLogOptions } from './options.ts'

const parse = (query: string) => parseLogOptions(new URLSearchParams(query))

describe('the options of a container’s log', () => {
  it('reach the leaf as they were asked for', () => {
    const queries = {
      '': '',
      'follow=true&previous=1&timestamps=TRUE': '&follow=true&previous=true&timestamps=true',
      'follow=false&previous=0&timestamps=False': '',
      'follow=': '&follow=true',
      'tailLines=0': '&tailLines=0',
      'tailLines=%2B7&limitBytes=9223372036854775807': '&tailLines=7&limitBytes=9223372036854775807',
      'sinceSeconds=60': '&sinceSeconds=60',
      'sinceTime=2026-11-25T00:00:00.5%2B02:00': '&sinceTime=2026-11-25T00%3A00%3A00.5%2B02%3A00',
      'sinceTime=&tail=all&tailLines=5': '',
      'tail=3&tailLines=5': '&tailLines=3',
      'pretty=true&stream=All&container=other&insecureSkipTLSVerifyBackend=true': '',
      'stream=Stderr': '&stream=Stderr',
    }
    for (const [query, expected] of Object.entries(queries)) {
      const parsed = parse(query)
      assert.ok(parsed.ok, query)
      assert.equal(logQuery('main', parsed.options), `container=main${expected}`)
    }
  })

  it('are refused as a kubelet refuses them when they cannot be read', () => {
    for (const query of [
      'tailLines=x',
      'tailLines=',
      'tail=many',
      'limitBytes=1.5',
      'limitBytes=9223372036854775808',
      'sinceSeconds=1_000',
      'sinceTime=yesterday',
      'sinceTime=2026-13-01T00:00:00Z',
      'sinceTime=2026-11-25',
    ]) {
      assert.deepEqual(parse(query), { ok: false, code: 400, text: '{"message": "Unable to decode query."}' }, query)
    }
  })

  it('are refused as a kubelet refuses them when they make no sense', () => {
    for (const query of [
      'tailLines=-1',
      'limitBytes=0',
      'limitBytes=-5',
      'sinceSeconds=0',
      'sinceSeconds=5&sinceTime=2026-11-25T00:00:00Z',
      'sinceSeconds=5&sinceTime=',
      'stream=stdout',
      'stream=',
      'stream=Stdout&tailLines=1',
    ]) {
      assert.deepEqual(parse(query), { ok: false, code: 422, text: '{"message": "Invalid request."}' }, query)
    }
  })

  it('never bring anything else into the leaf’s query, whatever is sent', () => {
    const known = new Set(
      'container follow previous timestamps tailLines limitBytes sinceSeconds sinceTime stream'.split(' '),
    )
    const value = fc.oneof(fc.string(), fc.constantFrom('1', '0', 'true', 'Stdout', 'all', '2026-11-25T00:00:00Z'))
    const name = fc.oneof(fc.string(), fc.constantFrom(...known, 'tail', 'pretty'))
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value)), fc.string(), (pairs, container) => {
        const parsed = parseLogOptions(new URLSearchParams(pairs))
        if (!parsed.ok) return
        const sent = new URLSearchParams(logQuery(container, parsed.options))
        assert.ok([...sent.keys()].every((key) => known.has(key)))
        assert.equal(sent.getAll('container').length, 1)
      }),
    )
  })
})
