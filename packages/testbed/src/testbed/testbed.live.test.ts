import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { nodes, pods, unwrap } from '@kosmos/kube'
import { asAdmin } from '../control-plane/admin.ts'
import { markOf, processesWithEnvironment } from '../processes/identity.ts'
import { Journal } from '../processes/journal.ts'

const run = promisify(execFile)
const main = path.join(import.meta.dirname, '..', 'main.ts')

interface Summary {
  readonly name: string
  readonly root: ClusterSummary
  readonly leaves: readonly ClusterSummary[]
  readonly bin: Readonly<Record<string, string>>
}
interface ClusterSummary {
  readonly name: string
  readonly server: string
  readonly kubeconfig: string
  readonly pids: Readonly<Record<string, number>>
  readonly nodes: readonly string[]
}

describe('the testbed command', () => {
  const home = mkdtempSync(path.join(os.tmpdir(), 'kosmos-testbeds-'))
  const env = { ...process.env, KOSMOS_TESTBEDS: home }
  const testbed = async (...args: string[]): Promise<string> =>
    (await run(process.execPath, [main, ...args], { env })).stdout
  const up = async (name: string): Promise<Summary> =>
    JSON.parse(await testbed('up', '--name', name, '--leaves', '1', '--nodes', 'kwok:2', '--json'))

  after(async () => {
    for (const name of readdirSync(home)) await testbed('down', '--name', name)
    rmSync(home, { recursive: true, force: true })
  })

  describe('with two test beds up side by side', () => {
    let beds: Summary[] = []
    before(async () => {
      beds = await Promise.all([up('one'), up('two')])
    })

    it('prints what others need to use them', () => {
      const [one] = beds
      assert.deepEqual(Object.keys(one ?? {}), ['name', 'root', 'leaves', 'bin'])
      for (const cluster of [one?.root, ...(one?.leaves ?? [])])
        assert.deepEqual(Object.keys(cluster ?? {}), ['name', 'server', 'kubeconfig', 'pids', 'nodes'])
      assert.deepEqual(
        one?.leaves.map((leaf) => [leaf.name, leaf.nodes]),
        [['leaf1', ['kwok-0', 'kwok-1']]],
      )
      assert.ok(one?.root.pids['kube-apiserver'])
      assert.ok(existsSync(one?.bin.kubectl ?? ''))
    })

    it('gives every cluster its own address', () => {
      const servers = beds.flatMap((bed) => [bed.root, ...bed.leaves]).map((cluster) => cluster.server)
      assert.equal(new Set(servers).size, 4)
    })

    it('has pods Running on the simulated nodes of a leaf, scheduled as usual', async () => {
      const leaf = beds[0]?.leaves[0]
      assert.ok(leaf)
      await asAdmin(leaf, async (client) => {
        assert.equal((await client.listAll(nodes)).length, 2)
        const ref = { namespace: 'default', name: 'web' }
        // The default ServiceAccount comes from a controller, a moment after the cluster.
        for (let i = 0; i < 600; i++) {
          const created = await client.create(pods, {
            metadata: ref,
            spec: { containers: [{ name: 'c', image: 'x' }] },
          } as object)
          if (created.ok) break
          assert.match(created.status.message ?? '', /serviceaccount "default" not found/)
          await sleep(100)
        }
        for (let i = 0; i < 600; i++) {
          if ((await client.get(pods, ref))?.status?.phase === 'Running') return
          await sleep(100)
        }
        assert.fail('the pod is never Running')
      })
    })

    it('leaves other nodes alone', async () => {
      const leaf = beds[0]?.leaves[0]
      assert.ok(leaf)
      await asAdmin(leaf, async (client) => {
        const virtual = unwrap(await client.create(nodes, { metadata: { name: 'virtual' } }))
        await sleep(1000)
        assert.deepEqual(
          (await client.get(nodes, { name: 'virtual' }))?.status?.conditions,
          virtual?.status?.conditions,
        )
      })
    })

    it('does not start a second one under a name that is taken', async () => {
      await assert.rejects(up('one'), /test bed one is up already/)
    })

    it('takes one down without touching the other', async () => {
      await testbed('down', '--name', 'one')
      assert.deepEqual(processesWithEnvironment(markOf(path.join(home, 'one'))), [])
      assert.equal(existsSync(path.join(home, 'one')), false)
      const states = JSON.parse(await testbed('status', '--name', 'two', '--json')) as { healthy: boolean }[]
      assert.ok(states.length >= 9 && states.every((s) => s.healthy))
      await testbed('down', '--name', 'one')
    })

    it('cleans up after a component was killed', async () => {
      const [, two] = beds
      process.kill(two?.root.pids.etcd ?? 0, 'SIGKILL')
      await testbed('down', '--name', 'two')
      assert.deepEqual(processesWithEnvironment(markOf(path.join(home, 'two'))), [])
    })
  })

  it('says that what was started runs on when it is called off, and cleans up completely after it, also after a kill -9', async () => {
    const dir = path.join(home, 'half')
    /** Starts a test bed, ends the command half-way, and returns what it said. */
    const calledOffBy = async (signal: 'SIGINT' | 'SIGKILL') => {
      const starter = spawn(process.execPath, [main, 'up', '--name', 'half', '--leaves', '1'], { env })
      let said = ''
      starter.stderr.on('data', (text) => (said += text))
      while (!/starting/.test(said) || !existsSync(dir) || new Journal(dir).processes().length < 3) await sleep(20)
      starter.kill(signal)
      const [code] = await once(starter, 'close')
      assert.ok(processesWithEnvironment(markOf(dir)).length >= 3)
      return { code, said }
    }
    const { code, said } = await calledOffBy('SIGINT')
    assert.equal(code, 130)
    assert.match(said, /^interrupted: what was started runs on until npm run testbed -- down --name half,/m)
    assert.match((await calledOffBy('SIGKILL')).said, /cleaning up what an earlier test bed half left behind/)
    await testbed('down', '--name', 'half')
    assert.deepEqual(processesWithEnvironment(markOf(dir)), [])
    assert.equal(existsSync(dir), false)
  })

  it('ends with the process that started it when that was wanted, also by -9', async () => {
    const dir = path.join(home, 'tied')
    const script = `import { upTestbed } from '${path.join(import.meta.dirname, 'up.ts')}'
      console.log((await upTestbed({ name: 'tied', leaves: 0, endsWithProcess: true })).dir); setInterval(() => {}, 1000)`
    const starter = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(createInterface({ input: starter.stdout }), 'line')) as [string]
    assert.equal(line, dir)
    starter.kill('SIGKILL')
    while (existsSync(dir)) await sleep(50)
    assert.deepEqual(processesWithEnvironment(markOf(dir)), [])
  })

  it('says what may be typed when it cannot read something, with exit code 2', async () => {
    await assert.rejects(testbed('up', '--nodes', 'many'), { code: 2, stderr: /write kwok:COUNT, real:COUNT/ })
    await assert.rejects(testbed('up', '--name', '../x'), { code: 2 })
    await assert.rejects(testbed('fly'), { code: 2 })
    await assert.rejects(testbed('up', '--leaves', ''), { code: 2, stderr: /write a number from 0 to 63/ })
    for (const option of ['--csi', '--cni=flannel'])
      await assert.rejects(testbed('up', '--nodes', 'kwok:1', option), {
        code: 2,
        stderr: /is for real nodes: add --nodes real/,
      })
  })

  it('says that a test bed is not there, with exit code 1', async () => {
    await assert.rejects(testbed('status', '--name', 'absent'), { code: 1, stderr: /there is no test bed absent/ })
  })
})
