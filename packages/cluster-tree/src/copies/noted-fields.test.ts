import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fieldsAnnotation } from '@kosmos/api'
import type { KubeObject } from '@kosmos/kube'
import fc from 'fast-check'
import { isWhole, withFieldsNoted } from './noted-fields.ts'

const noteOf = (object: object) => withFieldsNoted(object as KubeObject).metadata?.annotations?.[fieldsAnnotation]

describe('what a copy says of the fields that it is written with', () => {
  it('is noted beside what else is annotated, and changes nothing else', () => {
    const object = { metadata: { name: 'a', annotations: { b: 'c' } }, data: { d: 'e' } }
    const { metadata, ...content } = withFieldsNoted(object)
    assert.deepEqual(content, { data: { d: 'e' } })
    assert.equal(metadata?.name, 'a')
    assert.deepEqual(Object.keys(metadata?.annotations ?? {}), ['b', fieldsAnnotation])
  })

  it('tells of each that is taken out, and does not mind what is added', () => {
    const keys = fc.uniqueArray(fc.stringMatching(/^[-._a-zA-Z0-9]+$/), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(keys, fc.array(fc.string()), fc.nat(), (keys, more, at) => {
        const note = noteOf({ data: Object.fromEntries(keys.map((key) => [key, ''])) })
        const present = keys.map((key) => `/f:data/f:${key}`)
        const added = more.map((key) => `/f:binaryData/f:${key}`)
        assert.equal(isWhole(note, [...added, ...present.toReversed()]), true)
        assert.equal(isWhole(note, [...added, ...present.toSpliced(at % keys.length, 1)]), false)
      }),
    )
  })

  it('is nothing where there is no note, nor fields, nor of more than fit', () => {
    const data = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 'v']))
    for (const object of [{}, { data: {} }, { data: null }]) assert.equal(isWhole(noteOf(object), []), true)
    assert.equal(isWhole(undefined, []), true)
    assert.equal(noteOf({ data: data(1_000) })?.length, 4_000)
    assert.equal(noteOf({ data: data(1_001) }), undefined)
  })

  it('is of the lists of an EndpointSlice as a whole, which nobody changes in part', () => {
    const note = noteOf({ addressType: 'IPv4', endpoints: [{ addresses: ['192.0.2.7'] }], ports: [{ port: 80 }] })
    assert.equal(isWhole(note, ['/f:addressType', '/f:endpoints', '/f:ports']), true)
    assert.equal(isWhole(note, ['/f:addressType', '/f:endpoints']), false)
  })

  it('does not say what the fields are called, nor what is in them', () => {
    const note = Buffer.from(noteOf({ data: { password: 'hunter2' } }) ?? '').toString()
    assert.match(note, /^[A-Za-z0-9+/]{4}$/)
  })

  it('is of ports, of a selector and of sessions in a Service, as API servers have them', () => {
    const spec = {
      selector: { app: 'web' },
      ports: [{ port: 80, protocol: 'TCP', targetPort: 8080 }],
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
      trafficDistribution: 'PreferSameZone',
    }
    const port = '/f:spec/f:ports/k:{"port":80,"protocol":"TCP"}'
    const present = [
      '/f:spec/f:selector',
      `${port}/f:port`,
      `${port}/f:protocol`,
      `${port}/f:targetPort`,
      '/f:spec/f:sessionAffinityConfig/f:clientIP/f:timeoutSeconds',
    ]
    const note = noteOf({ apiVersion: 'v1', kind: 'Service', metadata: { labels: { a: 'b' } }, spec, status: { a: 1 } })
    assert.equal(isWhole(note, present), true, 'an old leaf drops the rest')
    for (const path of present)
      assert.equal(
        isWhole(
          note,
          present.filter((one) => one !== path),
        ),
        false,
        path,
      )
  })
})
