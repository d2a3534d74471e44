import { CommanderError } from 'commander'
import { addCompletion } from './completion/completion.ts'
import { JoinRefused } from './join/look.ts'
import { createProgram } from './program.ts'
import { explain } from './terminal/explain.ts'
import { WrongUsage } from './terminal/failure.ts'
import { progressOn } from './terminal/live-progress.ts'

export const exitCodes = { done: 0, failed: 1, wrongUsage: 2 } as const

/** Runs one command line (without `node` and the script) and returns its exit code. */
export async function run(
  argv: readonly string[],
  stdout: NodeJS.WriteStream = process.stdout,
  stderr: NodeJS.WriteStream = process.stderr,
): Promise<number> {
  const terminal = { print: (text: string) => stdout.write(`${text}\n`), progress: progressOn(stderr) }
  try {
    const program = createProgram(terminal, {
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
    })
    await addCompletion(program, argv)
    await program.parseAsync([...argv], { from: 'user' })
    return exitCodes.done
  } catch (error) {
    // Commander has printed its own errors, and help is none.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.wrongUsage
    stderr.write(`${errorText(error, Boolean(process.env.KOSMOS_DEBUG))}\n`)
    return error instanceof WrongUsage ? exitCodes.wrongUsage : exitCodes.failed
  }
}

/** What a person reads when a command failed: the cause, what to do next; the stack only for debugging. Pure. */
export function errorText(error: unknown, debug: boolean): string {
  const { message, next } = explain(error)
  const text = [`error: ${message}`]
  if (error instanceof JoinRefused) {
    for (const { verdict } of error.findings) {
      if (verdict.status === 'problem') text.push(`  - ${verdict.what}`, `    fix: ${verdict.fix}`)
    }
  }
  if (next !== undefined) text.push(`next:  ${next}`)
  if (debug && error instanceof Error) text.push(...stackOf(error))
  return text.join('\n')
}

function stackOf(error: Error): string[] {
  const cause = error.cause instanceof Error ? ['caused by:', ...stackOf(error.cause)] : []
  return [error.stack ?? error.message, ...cause]
}
