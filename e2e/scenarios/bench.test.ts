import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** What a benchmark prints for scripts: one JSON object, and nothing else on stdout. */
async function measured(...args: string[]): Promise<Record<string, unknown>> {
  const program = ['packages/testbed/bootstrap.mjs', 'e2e/bench/main.ts', ...args, '--json']
  const { stdout } = await run(process.execPath, program)
  assert.equal(stdout.trimEnd().split('\n').length, 1, stdout)
  return JSON.parse(stdout)
}

/** Fields that scripts of others read: they stay, and are numbers; there may be more. */
function hasFigures(object: unknown, ...fields: readonly string[]): void {
  for (const field of fields) {
    const value = (object as Record<string, unknown>)[field]
    assert.equal(typeof value, 'number', `${field} of ${JSON.stringify(object)}`)
  }
}

describe('the JSON of a benchmark', () => {
  it('of pods has the figures of both sides, and their ratio', async () => {
    const result = await measured('pods', '--count', '5', '--rest', '1')
    const { direct, tree } = result
    hasFigures(result, 'count', 'ratio')
    for (const side of [direct, tree]) hasFigures(side, 'podsPerSecond', 'p50Ms', 'p99Ms', 'deleteSeconds')
    hasFigures(tree, 'cpuMsPerPod', 'peakRssMiB', 'listsInSteadyState')
  })

  it('of the scheduler has pods a second by each, and the ratios', async () => {
    const result = await measured('scheduler', '--count', '20', '--nodes', '20', '--policies', '2')
    const { stock, withoutPolicy, kosmos } = result
    for (const side of [stock, withoutPolicy, kosmos]) hasFigures(side, 'podsPerSecond')
    hasFigures(result, 'ratioWithoutPolicy', 'ratio', 'decideP99Ms', 'peakRssMiB')
  })

  it('of what pods share has requests a pod by their kind, and how long a change takes', async () => {
    const result = await measured('sync', '--pods', '5', '--objects', '2')
    hasFigures(result, 'pods', 'changeToAllCopiesSeconds', 'cpuMsPerPod', 'peakRssMiB')
    const { requestsPerPod } = result
    assert.ok(requestsPerPod)
    hasFigures(requestsPerPod, ...Object.keys(requestsPerPod))
  })
})
