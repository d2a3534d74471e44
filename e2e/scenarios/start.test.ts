import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { attachTestbed, isAlive, type Testbed } from '@kosmos/testbed'
import { eventually } from '../platform/platform.ts'
import { withoutPrograms } from '../platform/programs.ts'

const run = promisify(execFile)
const isRoot = process.getuid?.() === 0
const script = (name: string) => ['packages/testbed/bootstrap.mjs', `e2e/commands/${name}.ts`]

describe('somebody who has cloned the repository and types npm start', () => {
  const home = mkdtempSync(path.join(os.tmpdir(), 'kosmos-start-'))
  const env = { ...withoutPrograms(), KOSMOS_TESTBEDS: home }
  let start: ChildProcess
  let said = ''
  let other: { stdout: string; stderr: string }
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
    await eventually('it starts', () => said.includes('control planes'))
    const atOnce = run(process.execPath, [...script('start'), '--detach'], { env })
    await eventually('it is ready, and says how to end it', () => {
      assert.equal(start.exitCode, null, said)
      return said.includes('Ctrl-C stops everything')
    })
    testbed = attachTestbed('kosmos')
    other = await atOnce
  })
  after(async () => {
    // The one that was started has started others.
    if (start?.pid !== undefined && start.exitCode === null) process.kill(-start.pid, 'SIGKILL')
    await run(process.execPath, script('stop'), { env })
    rmSync(home, { recursive: true, force: true })
  })

  it('reads what to type next, and it works', async () => {
    assert.ok(said.includes(`export KUBECONFIG=${testbed.root.kubeconfig}`), said)
    await kubectl('scale', 'deployment', 'hello', '--replicas=9')
    await kubectl('rollout', 'status', 'deployment/hello', '--timeout=240s')
    const { stdout } = await kubectl('get', 'pods', '-l', 'app=hello', '-o', 'jsonpath={.items[*].spec.nodeName}')
    const on = (leaf: string) => stdout.split(' ').filter((node) => node === `kosmos-${leaf}`).length
    assert.deepEqual([on('leaf1'), on('leaf2')], [6, 3])
  })

  it('sees the logs of a pod, and runs a command in it', {
    skip: isRoot ? false : 'real nodes need root',
  }, async () => {
    await eventually('it has said something', async () =>
      /^hello \d+ from hello-/.test((await kubectl('logs', 'deployment/hello', '--tail=1')).stdout),
    )
    await assert.rejects(kubectl('exec', 'deployment/hello', '--', 'sh', '-c', 'exit 3'), { code: 3 })
  })

  it('sees logs again as soon as npm run kosmos -- up is done, after the controllers were killed', {
    skip: isRoot ? false : 'real nodes need root',
  }, async () => {
    await testbed.root.kill('cluster-tree')
    const { stdout } = await run(process.execPath, [...script('kosmos'), 'up', '--json'], { env })
    const { pids, virtualNodes, metrics } = JSON.parse(stdout)
    assert.deepEqual(Object.keys(pids), ['cluster-tree', 'scheduler'])
    assert.deepEqual(virtualNodes, ['kosmos-leaf1', 'kosmos-leaf2'])
    assert.match(await (await fetch(metrics)).text(), /^kosmos_/m)
    assert.match((await kubectl('logs', 'deployment/hello', '--tail=1')).stdout, /^hello \d+ from hello-/)
  })

  it('waits for another one that is starting, and finds what that has made', () => {
    assert.match(other.stderr, /waiting for process/)
    assert.doesNotMatch(other.stderr, /control planes/)
    assert.ok(other.stdout.includes(testbed.root.kubeconfig))
  })

  it('finds it still there when asked again, with --detach', async () => {
    const { stdout } = await run(process.execPath, [...script('start'), '--detach'], { env })
    assert.ok(stdout.includes(testbed.root.kubeconfig))
    assert.doesNotMatch(stdout, /Ctrl-C/)
    assert.equal(start.exitCode, null, 'the first one goes on')
  })

  it('ends everything by Ctrl-C', async () => {
    const processes = testbed.journal.processes()
    assert.ok(processes.length > 0 && start.pid)
    process.kill(-start.pid, 'SIGINT')
    assert.deepEqual(await once(start, 'exit'), [0, null], said)
    assert.deepEqual(processes.filter(isAlive), [])
    assert.deepEqual(readdirSync(home), [])
    const { stderr } = await run(process.execPath, script('stop'), { env })
    assert.match(stderr, /nothing was running/)
  })
})

describe('somebody who has second thoughts while npm start is at work', () => {
  const home = mkdtempSync(path.join(os.tmpdir(), 'kosmos-start-'))
  const env = { ...withoutPrograms(), KOSMOS_TESTBEDS: home }
  const begin = async () => {
    const start = spawn(process.execPath, script('start'), { env, detached: true, stdio: ['ignore', 'ignore', 'pipe'] })
    const ended = once(start, 'exit')
    let said = ''
    start.stderr.on('data', (chunk) => {
      said += String(chunk)
    })
    await eventually('there are processes to end', () => said.includes('root is ready'))
    return { start, ended }
  }
  after(async () => {
    await run(process.execPath, script('stop'), { env })
    rmSync(home, { recursive: true, force: true })
  })

  it('ends everything by Ctrl-C, and the exit code says that nothing runs', async () => {
    const { start, ended } = await begin()
    assert.ok(start.pid)
    process.kill(-start.pid, 'SIGINT')
    assert.deepEqual(await ended, [130, null])
    assert.deepEqual(readdirSync(home), [])
  })

  it('ends everything by npm stop after kill -9', async () => {
    const { start, ended } = await begin()
    assert.ok(start.pid)
    process.kill(-start.pid, 'SIGKILL')
    await ended
    await run(process.execPath, script('stop'), { env })
    assert.deepEqual(readdirSync(home), [])
  })

  it('reads who has taken a port that it needs, and nothing of it stays', {
    skip: isRoot ? false : 'a network of its own needs root',
  }, async () => {
    // In a network of its own: on the machine's, this would keep everybody else from starting clusters.
    const holder = "require('net').createServer().listen(6443)"
    const inNetwork = `ip link set lo up; "$0" -e "${holder}" & trap "kill $!" EXIT; "$0" "$@"`
    const [file, ...args] = [...script('start'), '--detach']
    const start = run('unshare', ['--net', 'sh', '-c', inNetwork, process.execPath, file ?? '', ...args], { env })
    await assert.rejects(start, {
      code: 1,
      stderr: /\nport 6443 is taken on this machine by node \(process \d+\), .*: end that program/,
    })
    assert.deepEqual(readdirSync(home), [])
  })

  it('is told what npm start takes, when it is typed wrong', async () => {
    await assert.rejects(run(process.execPath, [...script('start'), '--detached'], { env }), {
      code: 2,
      stderr: /unknown option '--detached'/,
    })
    assert.deepEqual(readdirSync(home), [])
  })
})
