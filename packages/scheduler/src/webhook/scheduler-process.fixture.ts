import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

/** A scheduler of its own process. */
export interface SchedulerProcess {
  readonly child: ChildProcess
  /** What it has said, with level debug. */
  readonly output: () => string
  /** Where it answers API servers. */
  readonly url: URL
  /** Ends it as a lost machine would. */
  readonly kill: () => Promise<void>
}

/** Starts a program of this package. Resolves when it answers API servers. */
export async function startSchedulerProcess(program: URL, args: readonly string[]): Promise<SchedulerProcess> {
  const child = spawn(process.execPath, [program.pathname, ...args, '--https=127.0.0.1:0', '--log-level=debug'])
  const output: string[] = []
  const listening = Promise.withResolvers<string>()
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output.push(String(chunk))
      const [line] = /.*webhook\.listening.*/.exec(output.join('')) ?? []
      const [, url] = /(https:\/\/[\d.]+:\d+\/pods)/.exec(line ?? '') ?? []
      if (url) listening.resolve(url)
    })
  }
  const url = await Promise.race([listening.promise, once(child, 'exit').then(() => assert.fail(output.join('')))])
  return {
    child,
    output: () => output.join(''),
    url: new URL(url),
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}
