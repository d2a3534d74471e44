import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { attachTestbed, type Testbed } from '@kosmos/testbed'
import { eventually } from '../platform/platform.ts'

const run = promisify(execFile)
const isRoot = process.getuid?.() === 0
const script = (name: string) => ['packages/testbed/bootstrap.mjs', `e2e/commands/${name}.ts`]

describe('somebody who has cloned the repository and types npm start', () => {
  const home = mkdtempSync(path.join(os.tmpdir(), 'kosmos-start-'))
  const env = { ...process.env, KOSMOS_TESTBEDS: home }
  let start: ChildProcess
  let said = ''
  let testbed: Testbed
  const kubectl = (...args: string[]) =>
    run(testbed.bin.kubectl ?? 'kubectl', ['--kubeconfig', testbed.root.kubeconfig, ...args])

  before(async () => {
    process.env.KOSMOS_TESTBEDS = home
    // As from a terminal, whose Ctrl-C reaches the whole group.
    start = spawn(process.execPath, script('start'), { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [start.stdout, start.stderr])
      stream?.on('data', (chunk) => {
        said += String(chunk)
      })
    await eventually('it is ready, and says how to end it', () => {
      assert.equal(start.exitCode, null, said)
      return said.includes('Ctrl-C stops everything')
    })
    testbed = attachTestbed('kosmos')
  })
  after(async () => {
    start?.kill('SIGKILL')
    await run(process.execPath, script('stop'), { env })
    rmSync(home, { recursive: true, force: true })
  })

  it('reads what to type next, and it works', async () => {
    assert.ok(said.includes(`export KUBECONFIG=${testbed.root.kubeconfig}`), said)
    await kubectl('scale', 'deployment', 'hello', '--replicas=9')
    await kubectl('rollout', 'status', 'deployment/hello', '--timeout=120s')
    const { stdout } = await kubectl('get', 'pods', '-l', 'app=hello', '-o', 'jsonpath={.items[*].spec.nodeName}')
    const on = (leaf: string) => stdout.split(' ').filter((node) => node === `kosmos-${leaf}`).length
    assert.deepEqual([on('leaf1'), on('leaf2')], [6, 3])
  })

  it('sees the logs of a pod, and runs a command in it', {
    skip: isRoot ? false : 'real nodes need root',
  }, async () => {
    assert.match((await kubectl('logs', 'deployment/hello', '--tail=1')).stdout, /^hello \d+ from hello-/)
    await assert.rejects(kubectl('exec', 'deployment/hello', '--', 'sh', '-c', 'exit 3'), { code: 3 })
  })

  it('finds it still there when asked again, with --detach', async () => {
    const { stdout } = await run(process.execPath, [...script('start'), '--detach'], { env })
    assert.ok(stdout.includes(testbed.root.kubeconfig))
    assert.doesNotMatch(stdout, /Ctrl-C/)
    assert.equal(start.exitCode, null, 'the first one goes on')
  })

  it('ends everything by Ctrl-C', async () => {
    const pids = Object.values(testbed.root.pids())
    assert.ok(pids.length > 0 && start.pid)
    process.kill(-start.pid, 'SIGINT')
    assert.deepEqual(await once(start, 'exit'), [0, null], said)
    for (const pid of pids) assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
    assert.deepEqual(readdirSync(home), [])
    const { stderr } = await run(process.execPath, script('stop'), { env })
    assert.match(stderr, /nothing was running/)
  })
})
