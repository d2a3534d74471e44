import { glob } from 'node:fs/promises'
import { type RunOptions, run } from 'node:test'
import { spec } from 'node:test/reporters'

export interface Counts {
  passed: number
  failed: number
  skipped: number
}

/** Test files that match the patterns, relative to the repository, in a stable order. */
export async function testFiles(patterns: readonly string[], except: RegExp = /node_modules/): Promise<string[]> {
  const files: string[] = []
  for await (const file of glob([...patterns])) if (!except.test(file)) files.push(file)
  return files.sort()
}

const LONG_SCENARIOS = [
  ...['link', 'leaf-loss', 'clusters', 'shares', 'leaf-node-loss', 'csi', 'restored', 'containers', 'conformance'],
  ...['bench', 'take-back', 'survival', 'shares-of-jobs', 'node-models'],
]
/** Files that take more than a minute and a half, most of it waiting. */
const LONG = new Set([
  ...LONG_SCENARIOS.map((name) => `e2e/scenarios/${name}.test.ts`),
  'packages/kosmosctl/src/unjoin/unjoin.live.test.ts',
  'packages/scheduler/src/webhook/webhook.live.test.ts',
  'packages/cluster-tree/src/pods/controller.live.test.ts',
])

/**
 * The same files in an order to run some at a time: the long ones early, so that none is left alone at the end, and short ones between
 * them, which start clusters most of their time and use the processors on which the long ones wait.
 */
export function inOrder(files: readonly string[]): string[] {
  const short = files.filter((file) => !LONG.has(file))
  const long = files.filter((file) => LONG.has(file))
  return [...long.flatMap((file, i) => [file, ...short.slice(i, i + 1)]), ...short.slice(long.length)]
}

/**
 * Runs test files, each in a process of its own, and reports on stdout as they end.
 * @param concurrency files that run at the same time
 */
export function runTests(files: readonly string[], concurrency: number): Promise<Counts> {
  return report({ files: [...files], concurrency })
}

/** Runs test files one after the other in one process. */
export function runTogether(files: readonly string[]): Promise<Counts> {
  return report({ files: [...files], isolation: 'none' })
}

async function report(options: RunOptions & { readonly files: readonly string[] }): Promise<Counts> {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 }
  if (options.files.length === 0) return counts
  // A scenario may wait long for clusters; a test that hangs, or leaves something open, must not hang the run.
  const stream = run({ ...options, timeout: 15 * 60_000, forceExit: true })
  stream.on('test:summary', ({ file, counts: { tests, passed, skipped, todo } }) => {
    if (file !== undefined) return
    counts.passed += passed
    counts.failed += tests - passed - skipped - todo
    counts.skipped += skipped + todo
  })
  const isTogether = options.isolation === 'none'
  // Only tests are counted: what fails after the last one of a suite is told and counted nowhere.
  stream.on('test:fail', ({ details: { type, error } }) => {
    const isOfFile = type !== 'suite' && type !== 'test'
    if (causeOf(error) === 'hookFailed' && (type === 'suite' || (isOfFile && isTogether))) counts.failed++
  })
  // What a test left behind fails its file where that has a process of its own; here nothing else would count it.
  if (isTogether)
    stream.on('test:diagnostic', ({ message }) => {
      if (message.includes('asynchronous activity after the test ended')) counts.failed++
    })
  for await (const chunk of stream.compose(spec)) process.stdout.write(chunk as string)
  return counts
}

/** What Node calls the kind of a failure. */
const causeOf = (error: Error): unknown => (error as { readonly failureType?: unknown }).failureType
