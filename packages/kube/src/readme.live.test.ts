import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { liveCluster } from './live.fixture.ts'
import { pods, serviceAccounts } from './objects/resources.ts'

describe('the example of the README', { timeout: 300_000 }, () => {
  const cluster = liveCluster()

  it('does what it says', async (t) => {
    const root = path.join(import.meta.dirname, '..')
    const [, example = ''] = /```ts\n([\s\S]*?)```/.exec(readFileSync(path.join(root, 'README.md'), 'utf8')) ?? []
    const client = await cluster.client()
    const namespace = await cluster.namespace('readme')
    await client.create(serviceAccounts, { metadata: { name: 'default', namespace } })
    const running = spawn(process.execPath, ['--input-type=module-typescript', '--eval', example], {
      cwd: root,
      env: { ...process.env, KUBECONFIG: cluster.controlPlane.kubeconfig },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    t.after(() => running.kill('SIGKILL'))
    running.stdout.setEncoding('utf8')
    const spec = { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }] }
    await client.create(pods, { metadata: { name: 'a', namespace }, spec } as never)
    const [line] = await once(running.stdout, 'data')
    assert.equal(line, 'n1: 1 pods\n')
    running.kill('SIGINT')
    assert.deepEqual(await once(running, 'exit'), [0, null])
  })
})
