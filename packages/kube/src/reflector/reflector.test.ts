import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { before, describe, it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { Client } from '../client/client.ts'
import { Connection } from '../connection/connection.ts'
import {
  base64,
  type Certificates,
  configFor,
  createCertificates,
  startPeer,
  unhurried,
} from '../connection/peer.fixture.ts'
import { createTransport } from '../connection/transport.ts'
import { configMaps } from '../objects/resources.ts'
import type { ConfigMap } from '../objects/types.ts'
import { Reflector, type ReflectorOptions, type ReflectorState } from './reflector.ts'

let certificates: Certificates
before(async () => {
  certificates = await createCertificates()
})

const frame = (type: string, metadata: object) =>
  `${JSON.stringify({ type, object: { kind: 'ConfigMap', metadata } })}\n`
const object = (type: 'ADDED' | 'MODIFIED' | 'DELETED', name: string, resourceVersion: string) =>
  frame(type, { name, namespace: 'shop', uid: `uid-${name}`, resourceVersion })
const bookmark = (resourceVersion: string) => frame('BOOKMARK', { resourceVersion })
const listEnd = (resourceVersion: string) =>
  frame('BOOKMARK', { resourceVersion, annotations: { 'k8s.io/initial-events-end': 'true' } })

/** What is sent in answer to one request, in order; the last answer is repeated. */
type Answer = (response: ServerResponse) => void
const sends =
  (...frames: string[]): Answer =>
  (response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).write(frames.join(''))
  }
const sendsAndEnds =
  (...frames: string[]): Answer =>
  (response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(frames.join(''))
  }
const sendsAndBreaks =
  (...frames: string[]): Answer =>
  (response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).write(frames.join(''))
    setTimeout(() => response.destroy(), 20)
  }
const refuses =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (response) => {
    response.writeHead(code, { 'content-type': 'application/json', ...headers })
    response.end(JSON.stringify({ kind: 'Status', code, message: `refused with ${code}` }))
  }

/** How far the API server is, is asked by a list of one object. */
const isCheck = (url = '') => /[?&]limit=1$/.test(url)
const hasReached =
  (resourceVersion: string): Answer =>
  (response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ metadata: { resourceVersion }, items: [] }))
  }

/** A reflector of a server that replays bytes, and what its sink was told. */
async function reflect(
  t: TestContext,
  answers: readonly Answer[],
  { check = hasReached('1000'), ...options }: Partial<ReflectorOptions<ConfigMap>> & { readonly check?: Answer } = {},
) {
  const times: number[] = []
  const peer = await startPeer(t, certificates, (request, response) => {
    if (isCheck(request.url)) return check(response)
    const answer = answers[Math.min(times.length, answers.length - 1)]
    times.push(performance.now())
    answer?.(response)
  })
  const config = configFor(peer.url, { caData: base64(certificates.authority.certificate) })
  const transport = await createTransport(config, unhurried)
  const connection = new Connection('leaf', transport)
  const told: string[] = []
  const states: ReflectorState[] = []
  const write = (what: string) => (one: ConfigMap) => {
    told.push(`${what} ${one.metadata.name}@${one.metadata.resourceVersion}`)
  }
  const reflector = new Reflector<ConfigMap>({
    client: new Client(connection, 'kosmos-test'),
    resource: configMaps,
    namespace: 'shop',
    labelSelector: 'a in (b,c)',
    backoff: { minMs: 20, maxMs: 10_000, jitter: 0 },
    sink: {
      replace: (all) =>
        told.push(`replace ${all.map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`)}`),
      changed: write('changed'),
      deleted: write('deleted'),
    },
    onState: (state) => states.push(state),
    ...options,
  })
  const stop = new AbortController()
  const running = reflector.run(stop.signal)
  t.after(async () => {
    stop.abort()
    await running
    await connection.close()
  })
  const lists = () => peer.asked.filter(({ line }) => !isCheck(line))
  const queries = () =>
    lists().map(({ line }) => Object.fromEntries(new URL(line.replace('GET ', ''), peer.url).searchParams))
  const asked = async (count: number) => {
    while (lists().length < count) await sleep(1)
  }
  const toldOf = async (count: number) => {
    while (told.length < count) await sleep(1)
  }
  const checks = () => peer.asked.filter(({ line }) => isCheck(line)).map(({ line }) => line)
  return { peer, connection, running, checks, told, states, times, queries, asked, toldOf }
}

describe('a streaming list', { timeout: 120_000 }, () => {
  it('is one state: with what changed and went before its end, and told once', async (t) => {
    const begin = [object('ADDED', 'a', '1'), object('ADDED', 'b', '2'), object('MODIFIED', 'a', '5')]
    const list = sends(...begin, object('DELETED', 'b', '6'), bookmark('6'), listEnd('7'), object('ADDED', 'c', '8'))
    const { told, toldOf, queries } = await reflect(t, [list])
    await toldOf(2)
    assert.deepEqual(told, ['replace a@5', 'changed c@8'])
    const { timeoutSeconds, ...query } = queries()[0] ?? {}
    assert.ok(Number(timeoutSeconds) >= 300)
    assert.deepEqual(query, {
      watch: '1',
      allowWatchBookmarks: 'true',
      labelSelector: 'a in (b,c)',
      sendInitialEvents: 'true',
      resourceVersionMatch: 'NotOlderThan',
    })
  })

  it('that breaks off before its end is not told, and asked for again', async (t) => {
    const { told, toldOf, queries, states } = await reflect(t, [
      sendsAndBreaks(object('ADDED', 'a', '1')),
      sendsAndEnds(object('ADDED', 'a', '1')),
      sends(object('ADDED', 'a', '1'), object('ADDED', 'b', '2'), listEnd('2')),
    ])
    await toldOf(1)
    assert.deepEqual(told, ['replace a@1,b@2'])
    assert.deepEqual(
      queries().map(({ sendInitialEvents }) => sendInitialEvents),
      ['true', 'true', 'true'],
    )
    assert.deepEqual(
      states.map(({ kind }) => kind),
      ['connecting', 'broken', 'broken', 'following'],
    )
  })

  it('that falls silent before its end is asked for again, and that is said', async (t) => {
    const { toldOf, told, states } = await reflect(
      t,
      [sends(object('ADDED', 'a', '1')), sends(object('ADDED', 'a', '1'), listEnd('2'))],
      { silenceMs: 1_100 },
    )
    await toldOf(1)
    assert.deepEqual(told, ['replace a@1'])
    const broken = states.find((state) => state.kind === 'broken')
    assert.match(broken?.error.message ?? '', /Body Timeout/)
  })

  it('is asked for again at once when somebody else gets an answer', async (t) => {
    const { connection, states, told, toldOf } = await reflect(
      t,
      [(response) => void response.destroy(), sends(object('ADDED', 'a', '1'), listEnd('2'))],
      { backoff: { minMs: 3_600_000, maxMs: 3_600_000 } },
    )
    while (!states.some(({ kind }) => kind === 'broken')) await sleep(1)
    for (let i = 0; i < 3; i++) connection.breaker.failed()
    connection.breaker.succeeded()
    await toldOf(1)
    assert.deepEqual(told, ['replace a@1'])
  })

  it('that gets no answer waits at the breaker for its end, and leaves nothing there afterwards', async (t) => {
    const breaks: Answer = (response) => void response.destroy()
    const { connection, toldOf } = await reflect(t, [breaks, breaks, sends(object('ADDED', 'a', '1'), listEnd('2'))])
    const { breaker } = connection
    const onceClosed = breaker.onceClosed.bind(breaker)
    let [waited, waits] = [0, 0]
    t.mock.method(breaker, 'onceClosed', (callback: () => void) => {
      waited++
      waits++
      const withdraw = onceClosed(callback)
      return () => {
        waits--
        withdraw()
      }
    })
    await toldOf(1)
    assert.deepEqual([waited, waits], [2, 0])
  })

  it('that the server does not know is replaced by pages for good', async (t) => {
    const page = (names: string[], next?: string) => (response: ServerResponse) => {
      const items = names.map((name) => ({ metadata: { name, resourceVersion: '1' } }))
      const metadata = { resourceVersion: '9', continue: next }
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ metadata, items }))
    }
    const { told, toldOf, queries } = await reflect(
      t,
      [refuses(422), page(['a', 'b'], 'token'), page(['c']), refuses(410), page(['d']), sends()],
      { pageSize: 2 },
    )
    await toldOf(2)
    assert.deepEqual(told, ['replace a@1,b@1,c@1', 'replace d@1'])
    const shapes = queries().map((query) => {
      if (query.sendInitialEvents) return 'streaming list'
      return query.watch ? `watch from ${query.resourceVersion}` : `page of ${query.limit} at ${query.continue}`
    })
    assert.deepEqual(shapes.slice(0, 5), [
      'streaming list',
      'page of 2 at undefined',
      'page of 2 at token',
      'watch from 9',
      'page of 2 at undefined',
    ])
  })
})

describe('a watch', { timeout: 120_000 }, () => {
  const listed = [object('ADDED', 'a', '3'), listEnd('7')]

  it('that ends in good order resumes at once from the last version that it told, event or bookmark', async (t) => {
    const { told, toldOf, queries, asked, states } = await reflect(t, [
      sendsAndEnds(...listed, object('MODIFIED', 'a', '8')),
      sendsAndEnds(object('DELETED', 'a', '9'), bookmark('12')),
      sends(object('ADDED', 'b', '13')),
    ])
    await asked(3)
    await toldOf(4)
    assert.deepEqual(told, ['replace a@3', 'changed a@8', 'deleted a@9', 'changed b@13'])
    assert.deepEqual(
      queries().map(({ resourceVersion }) => resourceVersion),
      [undefined, '8', '12'],
    )
    assert.deepEqual(
      states.map(({ kind }) => kind),
      ['connecting', 'following'],
    )
  })

  it('that breaks off within a frame loses and doubles nothing', async (t) => {
    const whole = object('ADDED', 'b', '8')
    const { told, toldOf, queries } = await reflect(t, [
      sendsAndBreaks(...listed, whole.slice(0, -10)),
      sends(whole, object('ADDED', 'c', '9')),
    ])
    await toldOf(3)
    assert.deepEqual(told, ['replace a@3', 'changed b@8', 'changed c@9'])
    assert.equal(queries()[1]?.resourceVersion, '7')
  })

  it('loses, doubles and reorders nothing, however its bytes are cut and wherever it breaks off or ends', async (t) => {
    const change = fc.record({
      type: fc.constantFrom('ADDED' as const, 'MODIFIED' as const, 'DELETED' as const),
      name: fc.constantFrom('a', 'ä', '🚀'),
    })
    const cut = fc.record({
      sizes: fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1 }),
      end: fc.nat(4_000),
      breaks: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 20 }), fc.array(cut, { maxLength: 4 }), async (changes, cuts) => {
        const history = changes.map(({ type, name }, index) => ({
          version: 11 + index,
          line: object(type, name, `${11 + index}`),
          type,
          name,
        }))
        const left = [...cuts]
        const answer = async (response: ServerResponse) => {
          const from = new URL(response.req.url ?? '', 'http://x').searchParams.get('resourceVersion')
          const frames = history.filter(({ version }) => version > Number(from ?? 10)).map(({ line }) => line)
          const bytes = Buffer.from([...(from === null ? [listEnd('10')] : []), ...frames].join(''))
          const { sizes, end, breaks } = left.shift() ?? { sizes: [10_000], end: undefined, breaks: false }
          response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders()
          for (let at = 0, turn = 0; at < Math.min(bytes.length, end ?? bytes.length); turn++) {
            const next = at + (sizes[turn % sizes.length] ?? 1)
            response.write(bytes.subarray(at, Math.min(next, end ?? next)))
            at = next
            await new Promise((resolve) => setImmediate(resolve))
          }
          if (end === undefined) return
          if (breaks) setTimeout(() => response.destroy(), 5)
          else response.end()
        }
        const { told, toldOf } = await reflect(t, [(response) => void answer(response)], {
          backoff: { minMs: 1, maxMs: 5 },
        })
        await toldOf(1 + history.length)
        const what = ({ type, name, version }: (typeof history)[number]) =>
          `${type === 'DELETED' ? 'deleted' : 'changed'} ${name}@${version}`
        assert.deepEqual(told, ['replace ', ...history.map(what)])
      }),
      { numRuns: 25 },
    )
  })

  it('that breaks off is resumed only where the server has got to: else it was restored, and is listed', async (t) => {
    const reached = ['7', '6'].map(hasReached)
    const { told, toldOf, queries, checks } = await reflect(
      t,
      [sendsAndBreaks(...listed), sendsAndBreaks(), sends(object('ADDED', 'b', '2'), listEnd('5'))],
      { check: (response) => reached.shift()?.(response), fieldSelector: 'metadata.name=a' },
    )
    await toldOf(2)
    assert.deepEqual(told, ['replace a@3', 'replace b@2'])
    const check = 'GET /api/v1/namespaces/shop/configmaps?fieldSelector=metadata.name%3Da&limit=1'
    assert.deepEqual(checks(), [check, check])
    assert.deepEqual(
      queries().map(({ sendInitialEvents }) => sendInitialEvents),
      ['true', undefined, 'true'],
    )
  })

  it('that ends in good order is resumed without asking how far the server is, also after one that broke off', async (t) => {
    const { asked, checks } = await reflect(t, [
      sendsAndEnds(...listed, bookmark('8')),
      sendsAndBreaks(bookmark('9')),
      sendsAndEnds(bookmark('10')),
      sendsAndEnds(bookmark('11')),
      sends(),
    ])
    await asked(5)
    assert.equal(checks().length, 1)
  })

  it('brings whole objects after a list of their metadata, from its version on', async (t) => {
    const forms: (string | undefined)[] = []
    const noting =
      (answer: Answer): Answer =>
      (response) => {
        forms.push(/as=(\w+)/.exec(response.req.headers.accept ?? '')?.[1])
        answer(response)
      }
    const { told, toldOf, queries, states } = await reflect(
      t,
      [
        noting(sends(...listed, object('MODIFIED', 'a', '8'))),
        noting(sends(object('MODIFIED', 'a', '8'), object('ADDED', 'b', '9'))),
      ],
      { metadataOnly: 'list' },
    )
    await toldOf(3)
    assert.deepEqual(told, ['replace a@3', 'changed a@8', 'changed b@9'])
    assert.deepEqual(forms, ['PartialObjectMetadata', undefined])
    assert.equal(queries()[1]?.resourceVersion, '7')
    assert.deepEqual(
      states.map(({ kind }) => kind),
      ['connecting', 'following'],
    )
  })

  it('and the pages before it are of the form that was asked for, with managedFields where they are wanted', async (t) => {
    const managedFields = [{ manager: 'kubectl' }]
    const cases = [
      {
        metadataOnly: true,
        managedFields: true,
        forms: ['PartialObjectMetadata', 'PartialObjectMetadataList', 'PartialObjectMetadata'],
      },
      {
        metadataOnly: 'list',
        managedFields: false,
        forms: ['PartialObjectMetadata', 'PartialObjectMetadataList', undefined],
      },
      { metadataOnly: false, managedFields: true, forms: [undefined, undefined, undefined] },
    ] as const
    for (const { forms, ...options } of cases) {
      const asked: (string | undefined)[] = []
      const noting =
        (answer: Answer): Answer =>
        (response) => {
          asked.push(/as=(\w+)/.exec(response.req.headers.accept ?? '')?.[1])
          answer(response)
        }
      const page: Answer = (response) => {
        const items = [{ metadata: { name: 'a', resourceVersion: '1', managedFields } }]
        response.writeHead(200, { 'content-type': 'application/json' })
        response.end(JSON.stringify({ metadata: { resourceVersion: '9' }, items }))
      }
      const change = frame('ADDED', { name: 'b', uid: 'b', resourceVersion: '10', managedFields })
      const seen: ConfigMap[] = []
      await reflect(t, [noting(refuses(400)), noting(page), noting(sends(change))], {
        ...options,
        sink: { replace: (all) => seen.push(...all), changed: (one) => seen.push(one), deleted: () => {} },
      })
      while (seen.length < 2) await sleep(1)
      assert.deepEqual(asked, forms)
      const kept = options.managedFields ? managedFields : undefined
      assert.deepEqual(
        seen.map(({ metadata }) => metadata.managedFields),
        [kept, kept],
      )
    }
  })

  it('that sends nothing for long is opened anew from its version, and nothing is listed for it', async (t) => {
    const { asked, checks, queries, states } = await reflect(t, [sends(...listed), sends()], { silenceMs: 1_100 })
    await asked(3)
    assert.deepEqual(checks(), [])
    assert.deepEqual(
      queries().map(({ resourceVersion }) => resourceVersion),
      [undefined, '7', '7'],
    )
    assert.deepEqual(
      states.map(({ kind }) => kind),
      ['connecting', 'following'],
    )
  })

  it('that is refused by an answer that does not end is broken, not silent', async (t) => {
    const { told, toldOf, states } = await reflect(
      t,
      [
        sendsAndEnds(...listed, bookmark('8')),
        (response) => void response.writeHead(500).write('etcd'),
        sends(object('ADDED', 'b', '9')),
      ],
      { silenceMs: 1_100 },
    )
    await toldOf(2)
    assert.deepEqual(told, ['replace a@3', 'changed b@9'])
    const broken = states.find((state) => state.kind === 'broken')
    assert.match(broken?.error.message ?? '', /Body Timeout/)
  })

  it('is not resumed before the server has said how far it is: one that has just started may refuse', async (t) => {
    const answers = [refuses(429), refuses(403), hasReached('6')]
    const { toldOf, told, checks } = await reflect(
      t,
      [sendsAndBreaks(...listed), sends(object('ADDED', 'b', '2'), listEnd('5'))],
      { check: (response) => answers.shift()?.(response) },
    )
    await toldOf(2)
    assert.deepEqual(told, ['replace a@3', 'replace b@2'])
    assert.equal(checks().length, 3)
  })

  it('that expires is listed again at once, and tells nothing in between', async (t) => {
    for (const status of [{ code: 410 }, { reason: 'Expired' }, { reason: 'Gone' }]) {
      const expired = `${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', ...status } })}\n`
      const { told, toldOf, states } = await reflect(t, [
        sendsAndEnds(...listed, expired, object('ADDED', 'ignored', '9')),
        sends(object('ADDED', 'b', '20'), listEnd('21')),
      ])
      await toldOf(2)
      assert.deepEqual(told, ['replace a@3', 'replace b@20'])
      assert.deepEqual(
        states.map(({ kind }) => kind),
        ['connecting', 'following'],
      )
    }
  })

  it('that is refused as a streaming list may be, and is none, is asked for again from its version', async (t) => {
    const { told, toldOf, queries } = await reflect(t, [
      sendsAndEnds(...listed, bookmark('8')),
      refuses(422),
      sends(object('ADDED', 'b', '9')),
    ])
    await toldOf(2)
    assert.deepEqual(told, ['replace a@3', 'changed b@9'])
    assert.equal(queries()[2]?.resourceVersion, '8')
  })

  it('that expires at once after every list is listed again at growing distance', async (t) => {
    const expired = `${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } })}\n`
    const { times, asked, states } = await reflect(t, [sendsAndEnds(...listed, expired)])
    await asked(5)
    const pauses = times.slice(1).map((time, index) => time - (times[index] ?? 0))
    for (const [index, least] of [0, 40, 80, 160].entries()) assert.ok((pauses[index] ?? 0) >= least - 1, `${pauses}`)
    assert.ok(states.some(({ kind }) => kind === 'broken'))
  })

  it('that reports another error is resumed after a pause, with the error as state', async (t) => {
    const error = `${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 500, message: 'etcd is away' } })}\n`
    const { told, toldOf, states, queries } = await reflect(t, [
      sendsAndEnds(...listed, error),
      sends(object('ADDED', 'b', '8')),
    ])
    await toldOf(2)
    assert.deepEqual(told, ['replace a@3', 'changed b@8'])
    assert.equal(queries()[1]?.resourceVersion, '7')
    const broken = states.find((state) => state.kind === 'broken')
    assert.match(broken?.error.message ?? '', /etcd is away/)
  })

  it('that the server closes again and again without an event is asked for at growing distance, and nothing is listed for it', async (t) => {
    const { times, asked, states, checks } = await reflect(t, [sendsAndEnds(...listed), sendsAndEnds()])
    await asked(6)
    assert.deepEqual(checks(), [])
    const pauses = times.slice(1).map((time, index) => time - (times[index] ?? 0))
    // The pauses are 20, 40, 80, 160 ms after the first empty watch; nothing else makes them that long.
    for (const [index, least] of [20, 40, 80].entries()) assert.ok((pauses[index + 1] ?? 0) >= least - 1, `${pauses}`)
    assert.ok(states.some((state) => state.kind === 'broken' && /without an event/.test(state.error.message)))
  })

  it('that sends an event without end is broken off before it fills the memory, and resumed', async (t) => {
    const endless: Answer = (response) => {
      sends(...listed, '{"type":"ADDED","object":"')(response)
      const fill = () => {
        while (!response.destroyed && response.write(Buffer.alloc(64 << 10, 'x')));
        response.once('drain', fill)
      }
      fill()
    }
    const { told, toldOf, states, queries } = await reflect(t, [endless, sends(object('ADDED', 'b', '8'))], {
      maxEventBytes: 1 << 20,
    })
    await toldOf(2)
    assert.deepEqual(told, ['replace a@3', 'changed b@8'])
    assert.equal(queries()[1]?.resourceVersion, '7')
    const broken = states.find((state) => state.kind === 'broken')
    assert.match(
      broken?.error.message ?? '',
      /^leaf: WATCH \/api\/v1\/namespaces\/shop\/configmaps: an event is longer than 1 MiB.* https:\/\/127\.0\.0\.1:\d+$/,
    )
  })

  it('that is refused for now is not asked for sooner than the server said', async (t) => {
    const { times, asked, states } = await reflect(t, [refuses(429, { 'retry-after': '0.3' }), sends(...listed)])
    await asked(2)
    assert.ok((times[1] ?? 0) - (times[0] ?? 0) >= 299)
    const broken = states.find((state) => state.kind === 'broken')
    assert.match(broken?.error.message ?? '', /^leaf: WATCH \/api\/v1\/namespaces\/shop\/configmaps: refused with 429/)
  })

  it('tells the sink again what it threw at, after a pause, and no version is skipped', async (t) => {
    let patience = 2
    const added = object('ADDED', 'b', '8')
    const { toldOf, told, states, queries } = await reflect(t, [sends(...listed, added), sends(added)], {
      sink: {
        replace: () => told.push('replace'),
        changed: () => {
          if (patience-- > 0) throw new Error('not now')
          told.push('changed')
        },
        deleted: () => {},
      },
    })
    await toldOf(2)
    assert.deepEqual(told, ['replace', 'changed'])
    assert.deepEqual(
      queries().map(({ resourceVersion }) => resourceVersion),
      [undefined, '7', '7'],
    )
    assert.ok(states.some((state) => state.kind === 'broken' && state.error.message === 'not now'))
  })

  it('ends when its connection is closed by its owner', async (t) => {
    const { connection, running, toldOf } = await reflect(t, [sends(...listed)])
    await toldOf(1)
    await connection.close()
    await running
  })
})
