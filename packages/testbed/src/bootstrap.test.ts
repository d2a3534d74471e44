import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, it } from 'node:test'

const original = path.join(import.meta.dirname, '..', 'bootstrap.mjs')

describe('the first line of every npm script, in a fresh clone', () => {
  let clone = ''
  let installs = ''
  beforeEach(() => {
    clone = mkdtempSync(path.join(os.tmpdir(), 'kosmos-clone-'))
    installs = path.join(clone, 'installs')
    for (const dir of ['packages/testbed', 'bin']) mkdirSync(path.join(clone, dir), { recursive: true })
    copyFileSync(original, path.join(clone, 'packages/testbed/bootstrap.mjs'))
    writeFileSync(path.join(clone, 'package-lock.json'), '{"packages":{}}')
    const npm = `#!/bin/sh\necho "$@" >> ${installs}\nsleep 0.2\nmkdir -p node_modules/.bin\nln -sf ${process.execPath} node_modules/.bin/node\n`
    writeFileSync(path.join(clone, 'bin/npm'), npm, { mode: 0o755 })
  })
  afterEach(() => rmSync(clone, { recursive: true, force: true }))

  const start = (script: string, ...args: string[]): ChildProcess => {
    writeFileSync(path.join(clone, 'script.ts'), script)
    return spawn(process.execPath, ['packages/testbed/bootstrap.mjs', 'script.ts', ...args], {
      cwd: clone,
      env: { ...process.env, PATH: `${path.join(clone, 'bin')}:${process.env.PATH}` },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  }
  const run = async (script: string, ...args: string[]) => {
    const child = start(script, ...args)
    const [out, err, [code]] = await Promise.all([
      child.stdout ? text(child.stdout) : '',
      child.stderr ? text(child.stderr) : '',
      once(child, 'close'),
    ])
    return { out, err, code }
  }

  it('installs, then runs the script with its arguments and gives back its exit code', async () => {
    const script = 'const code: number = 7; console.log(JSON.stringify(process.argv.slice(2))); process.exit(code)'
    const { out, code } = await run(script, 'a b', '--json')
    assert.deepEqual([out, code], ['["a b","--json"]\n', 7])
    assert.equal(readFileSync(installs, 'utf8'), 'ci --no-audit --no-fund --loglevel=error\n')
  })

  it('installs once when two run at the same time, and not again later', async () => {
    const codes = (await Promise.all([run(''), run('')])).map((r) => r.code)
    assert.deepEqual(codes, [0, 0])
    await run('')
    assert.equal(readFileSync(installs, 'utf8').split('\n').length - 1, 1)
  })

  it('installs again when the lock file has changed', async () => {
    await run('')
    writeFileSync(path.join(clone, 'package-lock.json'), '{"packages":{"node_modules/x":{"version":"1.0.0"}}}')
    await run('')
    assert.equal(readFileSync(installs, 'utf8').split('\n').length - 1, 2)
  })

  it('says so when the installation fails', async () => {
    writeFileSync(path.join(clone, 'bin/npm'), '#!/bin/sh\nexit 1\n', { mode: 0o755 })
    const { err, code } = await run('')
    assert.match(err, /npm ci failed/)
    assert.equal(code, 1)
  })

  it('passes signals on', async () => {
    const child = start(`process.on('SIGTERM', () => process.exit(9)); console.log('up'); setInterval(() => {}, 1000)`)
    await once(child.stdout ?? child, 'data')
    child.kill('SIGTERM')
    assert.deepEqual(await once(child, 'exit'), [9, null])
  })

  it('ends the script when it is killed itself', async () => {
    const child = start(`console.log(process.pid); setInterval(() => {}, 1000)`)
    const [pid] = await once(child.stdout ?? child, 'data')
    child.kill('SIGKILL')
    try {
      // The script has the other end of these pipes; the time bounds a test that would never end.
      await once(child, 'close', { signal: AbortSignal.timeout(60_000) })
    } catch (error) {
      process.kill(Number(pid), 'SIGKILL')
      throw error
    }
  })

  it('ends with a script that has nothing left to do', async () => {
    const { out, code } = await run(`setTimeout(() => console.log('done'), 10)`)
    assert.deepEqual([out, code], ['done\n', 0])
  })
})
