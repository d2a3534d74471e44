import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { kubeconfig } from '../testing/index.ts'
import { runControllers } from './controllers.ts'
import type { CommonOptions } from './options.ts'

describe('a process of controllers', { timeout: 20_000 }, () => {
  let folder: string
  let options: CommonOptions
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'kosmos-controllers-'))
    const file = path.join(folder, 'kubeconfig')
    // Nobody is asked by these tests.
    await writeFile(file, kubeconfig())
    options = {
      kubeconfig: file,
      https: { address: '127.0.0.1', port: 0, tls: undefined },
      leaderElection: false,
      identity: 'me',
      logLevel: 'info',
    }
  })
  after(async () => {
    await rm(folder, { recursive: true })
  })
  const untilAborted = async (signal: AbortSignal) => {
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve))
  }

  it('ends as a whole when a part of it fails, after the other part has ended', async () => {
    const signal = new AbortController().signal
    let hasEnded = false
    const running = runControllers(
      {
        component: 'test',
        fieldManager: 'kosmos-test',
        work: () => Promise.reject(new Error('broken')),
        beside: async ({ client }, signal) => {
          await untilAborted(signal)
          assert.equal(client.connection.closed, false)
          hasEnded = true
        },
      },
      options,
      () => {},
      signal,
    )
    await assert.rejects(running, /broken/)
    assert.equal(hasEnded, true)
  })
})
