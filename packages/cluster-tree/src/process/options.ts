import { type CommonOptions, isPort, readCommandLine, usageOf } from '@kosmos/kube/process'

export interface ProcessOptions extends CommonOptions {
  /** Address that virtual nodes announce: the root's API server must reach the kubelet API there. */
  readonly nodeAddress: string
  /** Ports for the kubelet API, one a virtual node; 0: any free ones. */
  readonly firstKubeletPort: number
}

const command = (env: NodeJS.ProcessEnv) => ({
  component: 'cluster-tree',
  own: {
    'node-address': {
      default: env.POD_IP ?? '',
      value: 'IP',
      description: "address at which the root's API server reaches this process (default: $POD_IP)",
    },
    'kubelet-port': {
      default: '10250',
      value: 'PORT',
      description: 'first port of the kubelet API, one a virtual node (default: 10250; 0: any)',
    },
  },
})

export const usage = usageOf(command({}))

/** Reads the command line; throws with what is wrong and the usage. */
export function parseOptions(args: readonly string[], env: NodeJS.ProcessEnv): ProcessOptions {
  const { common, own, fail } = readCommandLine(command(env), args, env)
  if (own['node-address'] === '') fail('--node-address is needed (or $POD_IP)')
  if (!isPort(own['kubelet-port'])) fail(`--kubelet-port ${own['kubelet-port']}: not a port`)
  return { ...common, nodeAddress: own['node-address'], firstKubeletPort: Number(own['kubelet-port']) }
}

/** The command line as it is understood, for those who ask a running process. None of it is a secret. */
export function flagsOf(options: ProcessOptions): Record<string, string> {
  const { kubeconfig = '', nodeAddress, firstKubeletPort, https, leaderElection, identity } = options
  return {
    kubeconfig,
    'node-address': nodeAddress,
    'kubelet-port': String(firstKubeletPort),
    https: `${https.address}:${https.port}`,
    'tls-cert-file': https.tls?.certFile ?? '',
    'tls-private-key-file': https.tls?.keyFile ?? '',
    http: https.plain ? `${https.plain.address}:${https.plain.port}` : '',
    'leader-election': String(leaderElection),
    identity,
    'log-level': options.logLevel,
  }
}
