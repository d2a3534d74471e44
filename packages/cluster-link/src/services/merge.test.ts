import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Service } from '@kosmos/kube'
import fc from 'fast-check'
import { type ExportedService, mergeExports } from './merge.ts'

const exported = (cluster: string, since: string, spec: object): ExportedService => ({
  cluster,
  since,
  service: { metadata: { name: 'web', namespace: 'shop' }, spec } as unknown as Service,
})
const [older, newer] = ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z']
const reasonsOf = (...all: ExportedService[]) => mergeExports(all).conflicts.map(({ reason }) => reason)

describe('Services that several clusters export under one name', () => {
  it('are as each of them is when they are the same', () => {
    const spec = { clusterIP: '10.0.0.1', ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080 }] }
    const merged = mergeExports([exported('b', newer, spec), exported('a', older, { ...spec, clusterIP: '10.9.0.9' })])
    assert.deepEqual(merged.conflicts, [])
    assert.deepEqual(merged.spec, {
      type: 'ClusterSetIP',
      ports: [{ name: 'http', protocol: 'TCP', port: 80 }],
      ipFamilies: [],
      sessionAffinity: 'None',
    })
  })

  it('are as the oldest is where they differ, and which one that is can be read', () => {
    const headless = exported('b', older, { clusterIP: 'None' })
    const { spec, conflicts } = mergeExports([exported('a', newer, { clusterIP: '10.0.0.1' }), headless])
    assert.equal(spec.type, 'Headless')
    assert.deepEqual(conflicts, [
      { reason: 'TypeConflict', message: 'type is "Headless", as the oldest export has it, in cluster b; a disagrees' },
    ])
    const sticky = { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 10 } } }
    assert.deepEqual(reasonsOf(exported('a', older, sticky), exported('b', newer, {})), [
      'SessionAffinityConflict',
      'SessionAffinityConfigConflict',
    ])
    const families = (ipFamilies: string[]) => ({ ipFamilies })
    assert.deepEqual(
      reasonsOf(exported('a', older, families(['IPv4', 'IPv6'])), exported('b', newer, families(['IPv6', 'IPv4']))),
      [],
      'which family is the first is not of interest',
    )
    assert.deepEqual(reasonsOf(exported('a', older, families(['IPv4'])), exported('b', newer, families(['IPv6']))), [
      'IPFamilyConflict',
    ])
  })

  it('have the ports of all, of rivals that of the oldest', () => {
    const { spec, conflicts } = mergeExports([
      exported('a', older, { ports: [{ name: 'http', port: 80 }] }),
      exported('b', newer, {
        ports: [
          { name: 'http', port: 8080 },
          { name: 'web', port: 80 },
          { name: 'dns', port: 53, protocol: 'UDP' },
        ],
      }),
    ])
    assert.deepEqual(
      spec.ports.map(({ name, port, protocol }) => `${name} ${port}/${protocol}`),
      ['http 80/TCP', 'dns 53/UDP'],
    )
    assert.equal(conflicts.length, 1)
    assert.match(conflicts[0]?.message ?? '', /http 8080\/TCP of cluster b gives way to http 80\/TCP/)
    assert.match(conflicts[0]?.message ?? '', /dns 53\/UDP leads to some clusters only, not to a/)
  })

  it('come out the same in whichever order they are heard of, and no port contradicts another', () => {
    const port = fc.record({
      name: fc.constantFrom('a', 'b', 'c'),
      port: fc.integer({ min: 1, max: 3 }),
      protocol: fc.constantFrom('TCP', 'UDP'),
    })
    const ports = fc.uniqueArray(port, { selector: ({ name }) => name })
    const one = fc.record({
      since: fc.constantFrom(older, newer),
      clusterIP: fc.constantFrom('None', '10.0.0.1'),
      ports,
    })
    fc.assert(
      fc.property(fc.array(one, { minLength: 1, maxLength: 4 }), (all) => {
        const services = all.map(({ since, ...spec }, index) => exported(`c${index}`, since, spec))
        const merged = mergeExports(services)
        assert.deepEqual(mergeExports(services.toReversed()), merged)
        const distinct = (keys: readonly unknown[]) => assert.equal(new Set(keys).size, keys.length)
        distinct(merged.spec.ports.map(({ name }) => name))
        distinct(merged.spec.ports.map(({ protocol, port }) => `${protocol} ${port}`))
      }),
    )
  })
})
