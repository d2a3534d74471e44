import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { createInterface } from 'node:readline'

/** A program ended with an error; the message has its own words. */
export class CommandFailed extends Error {
  readonly argv: readonly string[]
  readonly code: number | null
  readonly stderr: string

  constructor(argv: readonly string[], code: number | null, stderr: string) {
    super(`${argv.join(' ')}: ${stderr.trim() || `ended with ${code}`}`)
    this.name = 'CommandFailed'
    this.argv = argv
    this.code = code
    this.stderr = stderr
  }
}

/** A program is not there. */
export class ToolMissing extends Error {
  readonly tool: string

  constructor(tool: string) {
    super(tool)
    this.name = 'ToolMissing'
    this.tool = tool
  }
}

export interface FollowOptions {
  readonly stdin?: string
  readonly signal: AbortSignal
  readonly onLine: (line: string) => void
}

/** The only way by which the agent starts programs. */
export interface Shell {
  /** Runs a program to its end and gives what it printed. */
  run(argv: readonly string[], stdin?: string): Promise<string>
  /** Runs a program that prints, be it errors, until the signal ends it; resolves when it ended, whyever. */
  follow(argv: readonly string[], options: FollowOptions): Promise<void>
  /** Starts a program in a session of its own that outlives this process; what it says is appended to the file. */
  detach(argv: readonly string[], env: Readonly<Record<string, string>>, logFile: string): Promise<void>
}

/** @param prefix goes before every command, such as `nsenter` into the network of a node */
export function createShell(prefix: readonly string[] = []): Shell {
  const start = (argv: readonly string[], options: Parameters<typeof spawn>[2]) => {
    const [program = '', ...args] = [...prefix, ...argv]
    return spawn(program, args, options)
  }
  return {
    run: (argv, stdin = '') =>
      new Promise((resolve, reject) => {
        const child = start(argv, { stdio: ['pipe', 'pipe', 'pipe'] })
        const [out, err]: [Buffer[], Buffer[]] = [[], []]
        child.stdout?.on('data', (chunk: Buffer) => out.push(chunk))
        child.stderr?.on('data', (chunk: Buffer) => err.push(chunk))
        child.on('error', (error) => reject(startError(argv, error)))
        child.on('close', (code) => {
          const stderr = Buffer.concat(err).toString()
          if (code === 0) resolve(Buffer.concat(out).toString())
          else
            reject(
              isMissing(argv, code, stderr) ? new ToolMissing(argv[0] ?? '') : new CommandFailed(argv, code, stderr),
            )
        })
        feed(child, stdin)
      }),
    follow: (argv, { stdin = '', signal, onLine }) =>
      new Promise((resolve, reject) => {
        // A child that only speaks when something happens would outlive a killed agent by that long.
        const child = start(['setpriv', '--pdeathsig', 'KILL', ...argv], { stdio: ['pipe', 'pipe', 'pipe'] })
        const stop = () => child.kill('SIGKILL')
        signal.addEventListener('abort', stop, { once: true })
        // That the program cannot be started is no line of the program.
        const onOwnLine = (line: string) => line.startsWith('setpriv: ') || onLine(line)
        for (const input of [child.stdout, child.stderr]) if (input) createInterface({ input }).on('line', onOwnLine)
        child.on('error', (error) => reject(startError(['setpriv'], error)))
        child.on('close', (code) => {
          signal.removeEventListener('abort', stop)
          if (isMissing(argv, code, '')) reject(new ToolMissing(argv[0] ?? ''))
          else resolve()
        })
        feed(child, stdin)
        if (signal.aborted) stop()
      }),
    detach: (argv, env, logFile) =>
      new Promise((resolve, reject) => {
        const log = openSync(logFile, 'a', 0o600)
        const child = start(argv, { stdio: ['ignore', log, log], detached: true, env: { ...process.env, ...env } })
        closeSync(log)
        child.on('error', (error) => reject(startError(argv, error)))
        child.on('spawn', () => {
          child.unref()
          resolve()
        })
      }),
  }
}

function feed(child: ChildProcess, text: string): void {
  // A program may end before it has read everything: its exit code says why.
  child.stdin?.on('error', () => {})
  child.stdin?.end(text)
}

function startError(argv: readonly string[], error: NodeJS.ErrnoException): Error {
  return error.code === 'ENOENT' ? new ToolMissing(argv[0] ?? '') : error
}

/** 127 is what nsenter, setpriv and env end with when there is no such program. */
function isMissing([program = '']: readonly string[], code: number | null, stderr: string): boolean {
  return code === 127 && (stderr === '' || (stderr.includes(program) && stderr.includes('No such file')))
}
