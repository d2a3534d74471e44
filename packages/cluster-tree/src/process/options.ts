import { parseArgs } from 'node:util'
import type { LogLevel } from './log.ts'

export interface ProcessOptions {
  /** Kubeconfig of the root; without it the pod's ServiceAccount. */
  readonly kubeconfig: string | undefined
  /** Address that virtual nodes announce: the root's API server must reach the kubelet API there. */
  readonly nodeAddress: string
  /** Ports for the kubelet API, one a virtual node; 0: any free ones. */
  readonly firstKubeletPort: number
  /** `address:port` of metrics and health; port 0: any free one. */
  readonly httpAddress: string
  readonly httpPort: number
  readonly leaderElection: boolean
  readonly identity: string
  readonly logLevel: LogLevel
}

export const usage = `Usage: cluster-tree [options]
  --kubeconfig FILE          kubeconfig of the root (default: the pod's ServiceAccount)
  --node-address IP          address at which the root's API server reaches this process (default: $POD_IP)
  --kubelet-port PORT        first port of the kubelet API, one a virtual node (default: 10250; 0: any)
  --http ADDRESS:PORT        metrics and health (default: 127.0.0.1:8080; port 0: any)
  --leader-election BOOLEAN  wait for the Lease kosmos-system/cluster-tree (default: true)
  --identity NAME            holder of the Lease (default: $HOSTNAME and the pid)
  --log-level LEVEL          debug, info, warn or error (default: info)
`

/** Reads the command line; throws with what is wrong and the usage. */
export function parseOptions(args: readonly string[], env: NodeJS.ProcessEnv): ProcessOptions {
  const values = read(args, env)
  const [, httpAddress = '', httpPort = ''] = /^(.+):(\d+)$/.exec(values.http) ?? []
  if (values['node-address'] === '') fail('--node-address is needed (or $POD_IP)')
  if (!isPort(httpPort)) fail(`--http ${values.http}: ADDRESS:PORT is needed`)
  if (!isPort(values['kubelet-port'])) fail(`--kubelet-port ${values['kubelet-port']}: not a port`)
  const election = values['leader-election']
  if (election !== 'true' && election !== 'false') fail(`--leader-election ${election}: true or false is needed`)
  const logLevel = (['debug', 'info', 'warn', 'error'] as const).find((level) => level === values['log-level'])
  return {
    kubeconfig: values.kubeconfig,
    nodeAddress: values['node-address'],
    firstKubeletPort: Number(values['kubelet-port']),
    httpAddress: httpAddress.replace(/^\[|\]$/g, ''),
    httpPort: Number(httpPort),
    leaderElection: election === 'true',
    identity: values.identity,
    logLevel: logLevel ?? fail(`--log-level ${values['log-level']}: debug, info, warn or error is needed`),
  }
}

function read(args: readonly string[], env: NodeJS.ProcessEnv) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        kubeconfig: { type: 'string' },
        'node-address': { type: 'string', default: env.POD_IP ?? '' },
        'kubelet-port': { type: 'string', default: '10250' },
        http: { type: 'string', default: '127.0.0.1:8080' },
        'leader-election': { type: 'string', default: 'true' },
        identity: { type: 'string', default: `${env.HOSTNAME ?? 'cluster-tree'}-${process.pid}` },
        'log-level': { type: 'string', default: 'info' },
      },
    }).values
  } catch (error) {
    return fail((error as Error).message)
  }
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535
}

function fail(problem: string): never {
  throw new TypeError(`${problem}\n${usage}`)
}
