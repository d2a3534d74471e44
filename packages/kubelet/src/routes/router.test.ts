import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import type { Access } from '../auth/access.ts'
import { ask, type Served, serve } from '../testing/serve.ts'
import { areas } from './areas.ts'
import { attributesOf, pathOf } from './attributes.ts'

/** Request targets that look almost like paths of a kubelet, in all the ways in which routers have been fooled. */
const pieces = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...areas.map(({ base }) => base)) },
  fc.constantFrom(...areas.map(({ base }) => base.toUpperCase())),
  fc.constantFrom(
    '/',
    '//',
    '/.',
    '/..',
    '/%2e%2e',
    '%2f',
    '%2F',
    '/;',
    ';a=b',
    '%00',
    '%20',
    '%3f',
    '%23',
    '#',
    '\\',
    '*',
  ),
  fc.constantFrom('/summary', '/cadvisor', '/default', '/web', '/main', '?x=/pods', '&tailLines=1', ':'),
  fc.constantFrom('/%65xec', '/exe%63', '/%70ods', '/%2565xec', '/metrics/..', '/stats/../exec', '/stats%2f..%2fexec'),
  fc.string({ minLength: 1, maxLength: 5 }).map(encodeURIComponent),
)
const target = fc
  .array(pieces, { minLength: 1, maxLength: 7 })
  .map((parts) => parts.join(''))
  .map((path) => (path.startsWith('/') ? path : `/${path}`))
const method = fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'PROPFIND')

describe('no path, however odd', () => {
  let served: Served
  let allowed: (access: Access) => boolean
  before(async () => {
    served = await serve({ allow: (access) => allowed(access) })
  })
  after(async () => await served.server.close())

  it('is answered without credentials', async () => {
    await fc.assert(
      fc.asyncProperty(method, target, async (method, path) => {
        assert.equal((await ask(served.port, path, { method })).code, 401)
      }),
      { numRuns: 300 },
    )
  })

  it('reaches what other rights are for', async () => {
    const bySubresource = fc.constantFrom(...new Set(areas.flatMap(({ subresources }) => subresources)))
    await fc.assert(
      fc.asyncProperty(method, target, bySubresource, fc.boolean(), async (method, path, subresource, acting) => {
        allowed = (access) => access.subresource === subresource && (access.verb === 'create') === acting
        const { code, text } = await ask(served.port, path, { method, token: 'good' })
        // 501 and 405 are what the table answers, so the path was routed; the text says where to.
        const area = areas.find(({ base }) => text.includes(`does not serve ${base}`))
        if (area) {
          assert.ok(area.subresources.includes(subresource), `${subresource} reached ${area.base} by ${path}`)
          assert.equal(Boolean(area.acts) || method === 'POST', acting, `${method} ${path}`)
        }
        // exec and containerLogs answer 400, 404 or 422 by themselves, all of which need `proxy`.
        if (code === 400 && text !== 'Bad Request') assert.equal(subresource, 'proxy', `${method} ${path}: ${text}`)
        if (code < 400) {
          assert.equal(method, 'GET')
          assert.ok(attributesOf(method, pathOf(path) ?? '').subresources.includes(subresource), `${path}: ${code}`)
        }
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('every path of a kubelet', () => {
  let served: Served
  before(async () => {
    served = await serve()
  })
  after(async () => await served.server.close())

  const answers: Record<string, number> = {
    attach: 400,
    checkpoint: 404,
    configz: 200,
    containerLogs: 404,
    exec: 400,
    flagz: 200,
    healthz: 200,
    metrics: 200,
    metricsCadvisor: 200,
    metricsProbes: 200,
    metricsResource: 200,
    metricsSlis: 200,
    pods: 200,
    // It finds no such pod before it sees that no upgrade was asked for.
    portForward: 404,
    runningPods: 200,
    stats: 200,
    statusz: 200,
  }

  it('is served by the table, for every method it names', async () => {
    for (const { base, routes } of areas) {
      for (const { below, methods, action } of routes) {
        const path = (base + below).replaceAll(/:\w+|\*/g, 'x')
        for (const method of methods) {
          const { code } = await ask(served.port, path, { method, token: 'good' })
          const expected = answers[action as string] ?? 501
          assert.equal(code, expected, `${method} ${path}`)
        }
        const other = await ask(served.port, path, { method: 'DELETE', token: 'good' })
        assert.deepEqual([other.code, other.headers.allow], [405, methods.join(', ')], path)
      }
    }
  })
})
