import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/** A Go command ended with an error; the message is the last lines of what it said. */
class GoFailed extends Error {
  constructor(args: readonly string[], output: readonly string[], options?: ErrorOptions) {
    super(`go ${args[0]} failed:\n${output.slice(-15).join('\n') || '(it said nothing)'}`, options)
    this.name = 'GoFailed'
  }
}

/** One environment for every build: this Go and no other, few garbage collections, static binaries unless C is in them. */
function goEnvironment(env: NodeJS.ProcessEnv, cgo: boolean): NodeJS.ProcessEnv {
  return { ...env, GOFLAGS: '', GOWORK: 'off', GOTOOLCHAIN: 'local', CGO_ENABLED: cgo ? '1' : '0', GOGC: '400' }
}

export interface GoOptions {
  /** Sees each line of standard error. */
  readonly onLine?: (line: string) => void
  /** Whether C may be compiled; default false. */
  readonly cgo?: boolean | undefined
}

/** Runs a Go command in a module; resolves with its standard output. */
export function runGo(
  go: string,
  args: readonly string[],
  dir: string,
  { onLine = () => {}, cgo = false }: GoOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(go, args, { cwd: dir, env: goEnvironment(process.env, cgo), stdio: ['ignore', 'pipe', 'pipe'] })
    const said: string[] = []
    const out: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    createInterface({ input: child.stderr }).on('line', (line) => {
      said.push(line)
      onLine(line)
    })
    child.on('error', (cause) => reject(new GoFailed(args, [`${go} cannot be run`], { cause })))
    child.on('close', (code) => {
      if (code === 0) resolve(Buffer.concat(out).toString('utf8'))
      else reject(new GoFailed(args, said))
    })
  })
}
