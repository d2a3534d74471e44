import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { isAlive } from './identity.ts'
import { Journal } from './journal.ts'
import { launch } from './launch.ts'
import { stop } from './stop.ts'
import { tearDown } from './teardown.ts'

describe('a component', () => {
  let journal: Journal
  beforeEach(() => {
    journal = new Journal(mkdtempSync(path.join(os.tmpdir(), 'kosmos-launch-')))
  })
  afterEach(async () => {
    await tearDown(journal, 0)
    rmSync(journal.dir, { recursive: true, force: true })
  })
  const shell = (script: string, rest = {}) => ({
    id: 'test/component',
    argv: ['/bin/sh', '-c', script],
    log: path.join(journal.dir, 'logs', 'component.log'),
    ...rest,
  })

  it('is in the journal with what starts it again', async () => {
    const entry = await launch(journal, shell('exec sleep 60'))
    assert.deepEqual(new Journal(journal.dir).process('test/component'), entry)
  })

  it('has of the environment of who starts it what Go is told about memory, and no variable that is nobody’s business', async (t) => {
    const { GOGC, KOSMOS_SECRET } = process.env
    Object.assign(process.env, { GOGC: '400', KOSMOS_SECRET: 'x' })
    t.after(() => {
      for (const [name, value] of Object.entries({ GOGC, KOSMOS_SECRET })) {
        if (value === undefined) delete process.env[name]
        else process.env[name] = value
      }
    })
    const { pid } = await launch(journal, shell('exec sleep 60'))
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
    assert(environment.includes('GOGC=400'))
    assert(!environment.some((one) => one.startsWith('KOSMOS_SECRET')))
  })

  it('that cannot be executed says so', async () => {
    const spec = { ...shell(''), argv: [path.join(journal.dir, 'absent')] }
    await assert.rejects(launch(journal, spec), {
      name: 'ComponentFailed',
      message: /test\/component cannot be executed/,
    })
  })

  it('that exits before it is healthy shows the end of its log', async () => {
    const health = { url: 'http://127.0.0.1:1/healthz' }
    await assert.rejects(launch(journal, shell('echo "unknown flag: --x" >&2; sleep 0.1; exit 1', { health })), {
      name: 'ComponentFailed',
      message: /has exited; its log .*component\.log ends with:\nunknown flag: --x/,
    })
  })

  it('that panics shows why, without stacks, and says what to do when the disk is full', async () => {
    const trace = ['panic: open wal: no space left on device', 'goroutine 1 [running]:', 'main.start({0x1, 0x2})']
    const frames = Array.from({ length: 20 }, (_, n) => `\\tmain.go:${n}`)
    const script = `printf '${[...trace, ...frames].join('\\n')}' >&2; sleep 0.1; exit 2`
    await assert.rejects(launch(journal, shell(script, { health: { url: 'http://127.0.0.1:1/healthz' } })), {
      message: /ends with:\npanic: open wal: no space left on device\nThe disk is full: .*KOSMOS_TESTBEDS/,
    })
  })

  it('counts as up when its health probe says yes', async () => {
    let asked = 0
    const server = createServer((_, response) => response.writeHead(++asked < 3 ? 500 : 200).end())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const entry = await launch(journal, shell('exec sleep 60', { health: { url: `http://127.0.0.1:${port}/healthz` } }))
    assert.ok(isAlive(entry))
    assert.equal(asked, 3)
    server.close()
  })

  it('that is started again runs once', async () => {
    const first = await launch(journal, shell('exec sleep 60'))
    const second = await launch(journal, shell('exec sleep 60'))
    assert.deepEqual([isAlive(first), isAlive(second)], [false, true])
  })

  it('that ignores TERM is killed', async () => {
    const entry = await launch(journal, shell('trap "" TERM; while :; do sleep 0.05; done'))
    await stop(entry, 200)
    assert.equal(isAlive(entry), false)
  })

  it('that is paused can be stopped', async () => {
    const entry = await launch(journal, shell('exec sleep 60'))
    process.kill(entry.pid, 'SIGSTOP')
    await stop(entry, 60_000)
    assert.equal(isAlive(entry), false)
  })

  it('is gone with its children, which are in no journal, and its folder, after tear-down; twice is fine', async () => {
    const marker = path.join(journal.dir, 'child')
    const entry = await launch(journal, shell(`(setsid sleep 61 & echo $! > ${marker}); exec sleep 60`))
    while (!existsSync(marker)) await new Promise((resolve) => setTimeout(resolve, 10))
    await tearDown(journal)
    assert.equal(isAlive(entry), false)
    assert.equal(existsSync(journal.dir), false)
    await tearDown(journal)
  })
})
