import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { selfSignedCertificate } from '@kosmos/kube/certificates'
import { linkedFacts } from '../network/facts.fixture.ts'
import { outcomeFindings, outcomesIn } from './outcome.ts'
import { answering, asking, counting, port, pouring } from './program.ts'
import { targetsOf, throughputTargets } from './ways.ts'

const options = { globalCIDRsMap: { '10.7.0.0/16': '100.64.0.0/16' } }
const { network } = linkedFacts([
  { name: 'berlin', network: 7, options },
  { name: 'paris', network: 8 },
])
const responders = [
  { cluster: 'berlin', node: 'n1', addresses: ['10.7.0.5'] },
  { cluster: 'paris', node: 'n1', addresses: ['10.8.0.5', 'fd00::5'] },
]
const services = new Map([
  ['berlin', ['10.7.128.9']],
  ['paris', ['10.8.128.9']],
])
const facts = { network, responders, services, mtuOf: () => 1450 }
const [berlin, paris] = responders

describe('check pods', () => {
  it('try pods, Services and large packets by the addresses under which their clusters are known', () => {
    assert.ok(paris)
    const { pod, node } = targetsOf(paris, facts)
    const expected = ['10.8.0.0/17']
    assert.deepEqual(pod, [
      { way: 'pod → pod', to: 'berlin/n1', family: 4, address: '100.64.0.5', port: 8080, expected },
      { way: 'large packets', to: 'berlin/n1', family: 4, address: '100.64.0.5', mtu: 1450 },
      { way: 'pod → Service', to: 'berlin', family: 4, address: '100.64.128.9', port: 80 },
    ])
    assert.deepEqual(node, [{ way: 'node → pod', to: 'berlin/n1', family: 4, address: '100.64.0.5', port: 8080 }])
  })

  it('leave out a family that the two clusters do not share', () => {
    assert.ok(berlin)
    assert.deepEqual(
      targetsOf(berlin, facts).pod.map(({ family }) => family),
      [4, 4, 4],
    )
  })

  it('pour into one pod of each other cluster and family', () => {
    assert.ok(berlin && paris)
    const more = { ...facts, responders: [...responders, { ...paris, node: 'n2', addresses: ['10.8.1.5'] }] }
    const target = { way: 'throughput', to: 'paris/n1', family: 4, address: '10.8.0.5', port: 8080 }
    assert.deepEqual(throughputTargets(berlin, more), [target])
  })

  it('find out how much a connection carries, and say why none does', async () => {
    const run = (program: string, targets: object[]) =>
      spawn(process.execPath, ['-e', program], { env: { ...process.env, TARGETS: JSON.stringify(targets) } })
    const server = run(
      answering.replace(
        `listen(${port}, '::')`,
        "listen(0, '127.0.0.1', function () { console.log(this.address().port) })",
      ),
      [],
    )
    try {
      const [line] = await once(server.stdout, 'data')
      const open = { address: '127.0.0.1', port: Number(`${line}`) }
      const pourer = run(pouring, [
        { ...open, way: 'throughput' },
        { ...open, way: 'throughput', port: 1 },
      ])
      const log = (await pourer.stdout.toArray()).join('')
      const [carried, refused] = outcomesIn(log, 'berlin/n1')
      assert.ok(carried?.works && (carried.bitsPerSecond ?? 0) > 1e6, log)
      assert.deepEqual([refused?.works, refused?.why], [false, 'ECONNREFUSED'])
    } finally {
      server.kill()
    }
  })

  it('read what an agent has counted by the token that they are given, and say why where they may not', async () => {
    const { certificate: cert, key } = await selfSignedCertificate({ subject: [], hosts: ['n1'], lifetimeMs: 60_000 })
    let scrapes = 0
    const agent = https.createServer({ cert, key }, ({ headers }, response) => {
      if (headers.authorization !== 'Bearer of-the-counter') response.writeHead(403)
      response.end(`# HELP\nkosmos_link_tunnel_bytes_total{end="e"} ${++scrapes}\nprocess_cpu_seconds_total 1\n`)
    })
    await new Promise<void>((resolve) => agent.listen(0, '127.0.0.1', resolve))
    const folder = await mkdtemp(path.join(tmpdir(), 'kosmos-counter-'))
    const { port } = agent.address() as AddressInfo
    const run = async (token: string) => {
      const file = path.join(folder, 'token')
      await writeFile(file, `${token}\n`)
      const env = { HOST_IP: '127.0.0.1', PORT: `${port}`, SECONDS: '0', TOKEN_FILE: file }
      const child = spawn(process.execPath, ['-e', counting], { env })
      return await text(child.stdout)
    }
    try {
      const [before, after] = [1, 2].map((count) => [`kosmos_link_tunnel_bytes_total{end="e"} ${count}`])
      assert.deepEqual(JSON.parse((await run('of-the-counter')).replace('RESULT ', '')), { before, after })
      assert.match(await run('of-somebody'), /does not say what it has counted: the agent answers 403/)
    } finally {
      agent.close()
      await rm(folder, { recursive: true })
    }
  })

  it('run programs that are valid', () => {
    for (const program of [answering, asking, counting, pouring])
      assert.doesNotThrow(() => new Function('require', program))
  })
})

describe('what check pods found', () => {
  const tried = { way: 'pod → pod', to: 'paris/n1', family: 4, address: '10.8.0.5', expected: ['10.7.0.0/16'] } as const
  const line = (result: object) => `noise\nRESULT ${JSON.stringify({ ...tried, ...result })}\n`

  it('is read from their logs', () => {
    const [outcome] = outcomesIn(line({ works: false, why: 'ETIMEDOUT' }), 'berlin/n1')
    assert.deepEqual(outcome, { ...tried, works: false, why: 'ETIMEDOUT', from: 'berlin/n1' })
  })

  it('names who does not reach whom, and why', () => {
    const [finding] = outcomeFindings(outcomesIn(line({ works: false, why: 'ETIMEDOUT' }), 'berlin/n1'))
    assert.equal(finding?.verdict.what, 'pod → pod fails: berlin/n1 → paris/n1 (ETIMEDOUT)')
  })

  it('blames the MTU only where small packets pass', () => {
    const large = { way: 'large packets', works: false, why: 'no answer' }
    const said = (works: boolean) =>
      outcomeFindings(outcomesIn(line(large) + line({ works }), 'berlin/n1')).map(({ verdict }) => verdict.what)
    assert.deepEqual(said(true), ['large packets fails: berlin/n1 → paris/n1 (no answer)'])
    assert.deepEqual(said(false), ['pod → pod fails: berlin/n1 → paris/n1 (no answer)'])
  })

  it('is a warning where the callee sees somebody else than a pod of the caller', () => {
    const seen = (seenAs: string) => outcomeFindings(outcomesIn(line({ works: true, seenAs }), 'berlin/n1'))[0]?.verdict
    assert.equal(seen('10.7.3.4')?.status, 'ok')
    assert.match(seen('172.16.0.1')?.what ?? '', /berlin\/n1 → paris\/n1: 172\.16\.0\.1 is no address of its pods/)
  })
})
