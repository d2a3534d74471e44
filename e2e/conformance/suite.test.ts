import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

/** Bounds a test that would never end. */
async function becomesTrue(what: string, look: () => boolean): Promise<void> {
  const deadline = Date.now() + 60_000
  while (!look()) {
    assert(Date.now() < deadline, `never: ${what}`)
    await sleep(20)
  }
}

/** A process that ended has no command line, even if nobody has reaped it. */
function runs(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8') !== ''
  } catch {
    return false
  }
}

/** A suite whose test hangs in kubectl; beside itself it writes its pid and kubectl's, and in which folder it runs. */
const hanging = `#!/bin/sh
setsid sleep 600 &
echo "$$ $! $PWD" > "$0.partial"
mv "$0.partial" "$0.started"
wait
`

describe('upstream’s suite', () => {
  let dir = ''
  let pids: number[] = []
  beforeEach(() => {
    dir = mkdtempSync(path.join(os.tmpdir(), 'kosmos-suite-'))
  })
  afterEach(() => {
    for (const pid of pids.filter(runs)) process.kill(pid, 'SIGKILL')
    rmSync(dir, { recursive: true, force: true })
  })

  it('ends with all that it started, and leaves no folder, when who runs it is killed', async () => {
    const program = path.join(dir, 'e2e.test')
    writeFileSync(program, hanging, { mode: 0o755 })
    const suite = { program, kubectl: 'kubectl', kubeconfig: 'none', log: path.join(dir, 'log') }
    const script = `import { runTests } from '${path.join(import.meta.dirname, 'suite.ts')}'
      await runTests(${JSON.stringify(suite)}, ['a test'])`
    const runner = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: 'inherit' })
    await becomesTrue('the suite runs', () => existsSync(`${program}.started`))
    const [ofSuite, ofKubectl, folder = ''] = readFileSync(`${program}.started`, 'utf8').trim().split(' ')
    pids = [Number(ofSuite), Number(ofKubectl)]
    assert(pids.every(runs) && existsSync(folder))
    runner.kill('SIGKILL')
    await becomesTrue('all have ended', () => !pids.some(runs))
    await becomesTrue('the folder is gone', () => !existsSync(folder))
  })
})
