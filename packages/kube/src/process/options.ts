import { hostname } from 'node:os'
import { parseArgs } from 'node:util'
import type { HttpServing } from './http.ts'
import { isLoopback } from './http-plain.ts'
import type { LogLevel } from './log.ts'

/** What every process of ours is told on its command line. */
export interface CommonOptions {
  /** Kubeconfig of the root; without it the pod's ServiceAccount. */
  readonly kubeconfig: string | undefined
  /** Metrics and health. */
  readonly https: HttpServing
  readonly leaderElection: boolean
  readonly identity: string
  readonly logLevel: LogLevel
}

/** An option of one component, beside the common ones. */
export interface OwnOption {
  readonly default: string
  /** `NAME` in the usage. */
  readonly value: string
  readonly description: string
}

export interface CommandLine<Own extends string> {
  readonly common: CommonOptions
  readonly own: Readonly<Record<Own, string>>
  /** Throws a TypeError with a problem and the usage. */
  readonly fail: (problem: string) => never
}

export interface Command<Own extends string> {
  /** Also the name of its Lease in kosmos-system. */
  readonly component: string
  readonly own: Readonly<Record<Own, OwnOption>>
}

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

/** Reads the command line; throws with what is wrong and the usage. */
export function readCommandLine<Own extends string>(
  command: Command<Own>,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): CommandLine<Own> {
  const fail = (problem: string): never => {
    throw new TypeError(`${problem}\n${usageOf(command)}`)
  }
  const { kubeconfig, ...given } = values(command, args, env, fail)
  const text = (name: string): string => given[name] ?? ''
  const https = {
    ...addressOf('https', text('https'), fail),
    tls: tlsOf(text, fail),
    plain: plainOf(text('http'), fail),
  }
  const election = text('leader-election')
  if (election !== 'true' && election !== 'false') fail(`--leader-election ${election}: true or false is needed`)
  const common = {
    kubeconfig,
    https,
    leaderElection: election === 'true',
    identity: text('identity'),
    logLevel:
      levels.find((level) => level === text('log-level')) ??
      fail(`--log-level ${text('log-level')}: debug, info, warn or error is needed`),
  }
  const own = Object.fromEntries(Object.keys(command.own).map((name) => [name, text(name)])) as Record<Own, string>
  return { common, own, fail }
}

export function usageOf({ component, own }: Command<string>): string {
  const rows = [
    ['--kubeconfig FILE', "kubeconfig of the root (default: the pod's ServiceAccount)"],
    ...Object.entries(own).map(([name, { value, description }]) => [`--${name} ${value}`, description]),
    ['--https ADDRESS:PORT', 'metrics and health (default: 127.0.0.1:9443; port 0: any)'],
    ['--tls-cert-file FILE', 'certificate shown there, PEM, read again when it changes (default: self-signed)'],
    ['--tls-private-key-file FILE', 'its key, PEM'],
    ['--http ADDRESS:PORT', 'metrics for this machine without TLS and login, at a loopback address (default: none)'],
    ['--leader-election BOOLEAN', `wait for the Lease kosmos-system/${component} (default: true)`],
    ['--identity NAME', 'holder of the Lease (default: host name and pid)'],
    ['--log-level LEVEL', 'debug, info, warn or error (default: info)'],
  ]
  return `Usage: ${component} [options]\n${rows.map(([left = '', right]) => `  ${left.padEnd(28)} ${right}\n`).join('')}`
}

function tlsOf(text: (name: string) => string, fail: (problem: string) => never): HttpServing['tls'] {
  const [certFile, keyFile] = [text('tls-cert-file'), text('tls-private-key-file')]
  if ((certFile === '') !== (keyFile === '')) fail('--tls-cert-file and --tls-private-key-file go together')
  return certFile === '' ? undefined : { certFile, keyFile }
}

function plainOf(text: string, fail: (problem: string) => never): HttpServing['plain'] {
  if (text === '') return undefined
  const plain = addressOf('http', text, fail)
  if (!isLoopback(plain.address))
    fail(`--http ${text}: a loopback address is needed, as whoever reaches it reads metrics`)
  return plain
}

/** What an option says as ADDRESS:PORT. */
export function addressOf(option: string, text: string, fail: (problem: string) => never) {
  const [, address = '', port = ''] = /^(.+):(\d+)$/.exec(text) ?? []
  if (!isPort(port)) fail(`--${option} ${text}: ADDRESS:PORT is needed`)
  return { address: address.replace(/^\[|\]$/g, ''), port: Number(port) }
}

export function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535
}

function values(
  { own }: Command<string>,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  fail: (problem: string) => never,
): Record<string, string | undefined> {
  const string = (value?: string) => ({ type: 'string' as const, ...(value !== undefined && { default: value }) })
  try {
    return parseArgs({
      args: [...args],
      options: {
        ...Object.fromEntries(Object.entries(own).map(([name, option]) => [name, string(option.default)])),
        kubeconfig: string(),
        https: string('127.0.0.1:9443'),
        'tls-cert-file': string(''),
        'tls-private-key-file': string(''),
        http: string(''),
        'leader-election': string('true'),
        identity: string(`${env.HOSTNAME ?? hostname()}-${process.pid}`),
        'log-level': string('info'),
      },
    }).values as Record<string, string | undefined>
  } catch (error) {
    return fail((error as Error).message)
  }
}
