import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface CommandResult {
  /** Exit code. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end, whatever its exit code; `input` goes to its stdin, `env` is beside that of this process. */
export async function command(
  file: string,
  args: readonly string[],
  input: string | undefined,
  env: Readonly<Record<string, string>> | undefined,
): Promise<CommandResult> {
  const child = run(file, [...args], { maxBuffer: 64 * 1024 * 1024, env: { ...process.env, ...env } })
  // A program may end before it has read everything: its exit code says why.
  child.child.stdin?.on('error', () => {}).end(input ?? '')
  try {
    return { code: 0, ...(await child) }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: unknown; stdout: string; stderr: string }
    return { code: typeof code === 'number' ? code : 1, stdout, stderr }
  }
}
