import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { ask, type Served, serve } from '../testing/serve.ts'

describe('the z-pages of a virtual node', () => {
  let served: Served
  before(async () => {
    served = await serve({ flags: { 'kubelet-port': '10250', 'log-level': 'info' } })
  })
  after(async () => await served.server.close())
  const get = (path: string, accept?: string) =>
    ask(served.port, path, { headers: { authorization: 'Bearer good', ...(accept !== undefined && { accept }) } })

  it('tell since when it runs, what it is and what else it serves', async () => {
    const { code, text, headers } = await get('/statusz', 'application/json, */*')
    assert.equal(code, 200)
    assert.equal(headers['content-type'], 'text/plain; charset=utf-8')
    assert.match(text, /^\nkubelet statusz\nWarning: This endpoint is not meant to be machine parseable/)
    assert.match(text, /\nStarted: \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d UTC \d{4}\nUp: 0 hr \d\d min \d\d sec\n/)
    assert.match(text, /\nBinary version: 1\.37\.2\n/)
    assert.match(text, /\nPaths: \/.*\/pods .*\/statusz\n/)
  })

  it('tell the flags of the process', async () => {
    const { text } = await get('/flagz')
    assert.match(text, /^\nkubelet flagz\nWarning: .*\n\nkubelet-port=10250\nlog-level=info\n$/)
  })

  it('are objects for who asks for them by kind', async () => {
    const accept = (kind: string) => `application/json;v=v1beta1;g=config.k8s.io;as=${kind}`
    const before = Date.now()
    const statusz = JSON.parse((await get('/statusz', accept('Statusz'))).text)
    const after = Date.now()
    assert.deepEqual(
      [statusz.kind, statusz.apiVersion, statusz.metadata.name, statusz.binaryVersion],
      ['Statusz', 'config.k8s.io/v1beta1', 'kubelet', '1.37.2'],
    )
    // Both are cut to whole seconds; the clock may be set a little in between.
    const toldAt = Date.parse(statusz.startTime) + statusz.uptimeSeconds * 1000
    assert.ok(toldAt > before - 3_000 && toldAt < after + 1_000, `${toldAt} between ${before} and ${after}`)
    const flagz = JSON.parse((await get('/flagz', accept('Flagz'))).text)
    assert.deepEqual(flagz.flags, { 'kubelet-port': '10250', 'log-level': 'info' })
    assert.equal((await get('/flagz', accept('Statusz'))).code, 406)
  })

  it('demand their own rights', () => {
    assert.deepEqual(
      new Set(served.asked.map(({ verb, subresource }) => `${verb} nodes/${subresource}`)),
      new Set(['get nodes/statusz', 'get nodes/configz']),
    )
  })
})
