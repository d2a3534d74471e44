import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { commandLines, ranOn, reporting } from './failing.fixture.ts'

/** Nothing listens there. */
const away = {
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'away',
  clusters: [{ name: 'away', cluster: { server: 'https://127.0.0.1:1' } }],
  users: [{ name: 'away', user: { token: 'some-token' } }],
  contexts: [{ name: 'away', context: { cluster: 'away', user: 'away' } }],
}

describe('every command', () => {
  let folder: string
  let kubeconfig: string
  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'kosmosctl-'))
    kubeconfig = path.join(folder, 'away.kubeconfig')
    await writeFile(kubeconfig, JSON.stringify(away))
  })
  after(() => rm(folder, { recursive: true, force: true }))

  for (const [name, words] of commandLines()) {
    it(`${name}: says in a sentence that there is no such file, and what to do`, async () => {
      const { code, stdout, stderr } = await ranOn(path.join(folder, 'none'), words)
      assert.equal(code, 1)
      assert.match(stderr, /^error: \S+none cannot be read: ENOENT\nnext: {2}[^\n]+\n$/)
      if (!reporting.includes(name)) assert.equal(stdout, '')
    })

    it(`${name}: names the contexts that there are`, async () => {
      const { code, stderr } = await ranOn(kubeconfig, words, '--context', 'other')
      assert.equal(code, 1)
      assert.match(stderr, /^error: \S+ has no context "other"; it has: away\nnext: {2}[^\n]+\n$/)
    })

    it(`${name}: says that the API server is away, and nothing on stdout that a program could take for a result`, async () => {
      const { code, stdout, stderr } = await ranOn(kubeconfig, words)
      assert.equal(code, 1)
      assert.equal(stderr.match(/^error: /gm)?.length, 1, stderr)
      assert.match(stdout + stderr, /https:\/\/127\.0\.0\.1:1.*ECONNREFUSED/)
      assert.match(
        stdout + stderr,
        /(next|fix): +is the server address right \(context "away" in \S+\/away\.kubeconfig\)/,
      )
      assert.doesNotMatch(stdout + stderr, /^\s+at |some-token/m)
      if (!reporting.includes(name)) assert.equal(stdout, '')
    })

    it(`${name}: refuses an option that it does not have, and points to its help`, async () => {
      const { code, stdout, stderr } = await ranOn(kubeconfig, words, '--no-such-thing')
      assert.deepEqual([code, stdout], [2, ''])
      assert.equal(stderr, `error: unknown option '--no-such-thing'\n(kosmosctl ${name} --help)\n`)
    })
  }
})
