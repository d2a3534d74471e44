import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { identify, isAlive, isStopped, parseStat, processesWithEnvironment, signal } from './identity.ts'

describe('the identity of a process', () => {
  it('is read from stat even when the command name holds spaces and parentheses', () => {
    const fields = Array.from({ length: 30 }, (_, i) => String(i))
    fields[0] = 'S'
    assert.deepEqual(parseStat(`42 (a (b) c) ${fields.join(' ')}`), { pid: 42, state: 'S', startTime: 19 })
  })

  it('is none when stat is cut short', () => assert.equal(parseStat('42 (a) S 1 2'), undefined))

  it('is that of the running process until it ends', async () => {
    const child = spawn('sleep', ['60'])
    await once(child, 'spawn')
    const identity = identify(child.pid ?? 0)
    assert.ok(identity && isAlive(identity))
    assert.ok(signal(identity, 'SIGKILL'))
    await once(child, 'exit')
    assert.equal(isAlive(identity), false)
    assert.equal(signal(identity, 'SIGKILL'), false)
  })

  it('tells when every thread of it stands still', async () => {
    const child = spawn('sleep', ['60'])
    await once(child, 'spawn')
    const identity = identify(child.pid ?? 0)
    assert.ok(identity)
    assert.equal(isStopped(identity), false)
    signal(identity, 'SIGSTOP')
    while (!isStopped(identity)) await sleep(1)
    signal(identity, 'SIGKILL')
    await once(child, 'exit')
    assert.equal(isStopped(identity), false)
  })

  it('protects another process that got the same pid', () => {
    const self = identify(process.pid)
    assert.ok(self)
    assert.equal(signal({ ...self, startTime: self.startTime - 1 }, 'SIGKILL'), false)
  })

  it('is found by a variable in its environment, exactly', async () => {
    const variable = `KOSMOS_TEST_MARK=${process.pid}`
    const child = spawn('sleep', ['60'], { env: { PATH: process.env.PATH, KOSMOS_TEST_MARK: String(process.pid) } })
    await once(child, 'spawn')
    assert.deepEqual(
      processesWithEnvironment(variable).map((p) => p.pid),
      [child.pid],
    )
    assert.deepEqual(processesWithEnvironment(`${variable}0`), [])
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
})
