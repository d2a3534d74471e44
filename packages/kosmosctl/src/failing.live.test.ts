import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { commandLines, ranOn, reporting } from './failing.fixture.ts'
import { inventory, liveClusters } from './live.fixture.ts'

describe('every command', { timeout: 300_000 }, () => {
  const { cluster } = liveClusters(['cluster'])
  let folder: string
  let stranger: string
  let nobody: string
  before(async () => {
    const { server, ca, adminToken } = cluster.plane
    folder = await mkdtemp(path.join(os.tmpdir(), 'kosmosctl-'))
    stranger = path.join(folder, 'stranger.kubeconfig')
    nobody = path.join(folder, 'nobody.kubeconfig')
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'a',
      clusters: [{ name: 'a', cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') } }],
      users: [{ name: 'a', user: { token: adminToken, as: 'stranger' } }],
      contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
    }
    await writeFile(stranger, JSON.stringify(config))
    await writeFile(nobody, JSON.stringify({ ...config, users: [{ name: 'a', user: { token: 'some-token' } }] }))
  })
  after(() => rm(folder, { recursive: true, force: true }))

  it('says who may not do what when the rights are missing, and what to do', async () => {
    for (const [name, words] of commandLines()) {
      if (name === 'version') continue
      const { code, stdout, stderr } = await ranOn(stranger, words)
      assert.equal(code, 1, `${name}: ${stdout}${stderr}`)
      assert.equal(stderr.match(/^error: /gm)?.length, 1, `${name}: ${stderr}`)
      assert.match(stdout + stderr, /(next|fix): +\S/, name)
      assert.doesNotMatch(stdout + stderr, /^\s+at /m, name)
      if (!reporting.includes(name)) assert.equal(stdout, '', name)
    }
  })

  it('says whose credentials are not accepted, by which server, and where they are', async () => {
    for (const [name, words] of commandLines()) {
      const { code, stdout, stderr } = await ranOn(nobody, words)
      assert.equal(code, 1, `${name}: ${stdout}${stderr}`)
      assert.match(
        stdout + stderr,
        /(next|fix): +log in again: https:\S+ does not accept the credentials of context "a" in \S+\/nobody\.kubeconfig/,
        name,
      )
      assert.doesNotMatch(stdout + stderr, /^\s+at |some-token/m, name)
    }
  })

  it('says of a cluster that is no root what it lacks, and changes nothing', async () => {
    const before = await inventory(cluster.client)
    // These are for such a cluster, too.
    const making = ['join', 'install', 'uninstall', 'simulate', 'version', 'link dns']
    for (const [name, words] of commandLines()) {
      if (making.includes(name)) continue
      const { code, stdout, stderr } = await ranOn(cluster.source.file, words)
      assert.equal(code, 1, `${name}: ${stdout}${stderr}`)
      assert.equal(stderr.match(/^error: /gm)?.length, 1, `${name}: ${stderr}`)
      assert.match(stdout + stderr, /(next|fix): +\S/, `${name}: ${stdout}${stderr}`)
    }
    assert.deepEqual(await inventory(cluster.client), before)
  })
})
