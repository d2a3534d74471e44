import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { configMaps, nodes, unwrap } from '@kosmos/kube'
import { becomesHealthy, isHealthy } from '../processes/health.ts'
import { markOf, processesWithEnvironment } from '../processes/identity.ts'
import { asAdmin } from './admin.ts'
import type { ControlPlane } from './control-plane.ts'
import { startControlPlane } from './start.ts'

const readyzOf = (cluster: ControlPlane) => ({
  url: `${cluster.server}/readyz`,
  caFile: path.join(cluster.dir, 'pki', 'ca.crt'),
})
const readyz = (cluster: ControlPlane, timeoutMs?: number) => isHealthy(readyzOf(cluster), timeoutMs)

describe('a control plane of its own', () => {
  let cluster: ControlPlane
  before(async () => {
    cluster = await startControlPlane({ name: 'alone' })
  })
  after(() => cluster?.stop())

  it('consists of etcd and an API server that answers the administrator', async () => {
    assert.deepEqual(Object.keys(cluster.pids()), ['etcd', 'kube-apiserver'])
    const version = await asAdmin(cluster, (client) => client.raw('/version'))
    assert.equal((version as { gitVersion: string }).gitVersion, 'v1.37.2')
  })

  it('refuses who has no credentials', async () => {
    assert.equal(
      await isHealthy({ url: `${cluster.server}/api/v1/nodes`, caFile: path.join(cluster.dir, 'pki', 'ca.crt') }),
      false,
    )
  })

  it('keeps its data and its address when the API server is killed and started again', async () => {
    const data = { metadata: { namespace: 'default', name: 'kept' }, data: { key: 'value' } }
    unwrap(await asAdmin(cluster, (client) => client.create(configMaps, data)))
    await cluster.kill('kube-apiserver')
    assert.equal(await readyz(cluster), false)
    assert.deepEqual(Object.keys(cluster.pids()), ['etcd'])
    await cluster.restart('kube-apiserver')
    const kept = await asAdmin(cluster, (client) => client.get(configMaps, { namespace: 'default', name: 'kept' }))
    assert.equal(kept?.data?.key, 'value')
  })

  it('does not answer while the API server is paused, and does afterwards', async () => {
    await cluster.pause('kube-apiserver')
    assert.equal(await readyz(cluster, 300), false)
    cluster.resume('kube-apiserver')
    assert.equal(await becomesHealthy(readyzOf(cluster), () => true, 30_000), true)
  })

  it('knows its components by name only', async () => {
    await assert.rejects(cluster.kill('kubelet'), /cluster alone has no component kubelet; it has etcd, kube-apiserver/)
  })
})

describe('a control plane with all components', () => {
  it('runs controllers, and leaves no process and no folder when it is stopped', async () => {
    const cluster = await startControlPlane({
      components: ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'],
    })
    const dir = path.dirname(cluster.dir)
    try {
      assert.equal(Object.keys(cluster.pids()).length, 4)
      assert.equal(await asAdmin(cluster, async (client) => (await client.listAll(nodes)).length), 0)
    } finally {
      await cluster.stop()
    }
    assert.deepEqual(processesWithEnvironment(markOf(dir)), [])
    assert.equal(existsSync(dir), false)
    await cluster.stop()
  })

  it('ends with the process that started it, even when that is killed with -9', async () => {
    const start = path.join(import.meta.dirname, 'start.ts')
    const script = `import { startControlPlane } from '${start}'; console.log((await startControlPlane()).dir); setInterval(() => {}, 1000)`
    const starter = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(createInterface({ input: starter.stdout }), 'line')) as [string]
    const dir = path.dirname(line)
    assert.equal(processesWithEnvironment(markOf(dir)).length, 2)
    starter.kill('SIGKILL')
    for (let i = 0; i < 600 && existsSync(dir); i++) await sleep(100)
    assert.equal(existsSync(dir), false)
    assert.deepEqual(processesWithEnvironment(markOf(dir)), [])
  })
})
