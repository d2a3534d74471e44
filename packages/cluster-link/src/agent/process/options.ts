import { type CommonOptions, readCommandLine } from '@kosmos/kube/process'
import { type Autodetection, parseAutodetection } from '../underlay/method.ts'

export interface AgentOptions extends CommonOptions {
  readonly node: string
  readonly nodeConfig: string
  readonly autodetection: Autodetection
  readonly stateDir: string
  /** Take everything of ours away and end. */
  readonly remove: boolean
}

const own = {
  node: { default: '', value: 'NAME', description: 'the node that this runs on' },
  'node-config': { default: '', value: 'NAME', description: 'the NodeConfig of the node' },
  autodetection: {
    default: 'first-found',
    value: 'METHOD',
    description: 'first-found, can-reach=ADDRESS, interface=REGEX or cidr=CIDR (default: first-found)',
  },
  'state-dir': {
    default: '/var/lib/kosmos/link',
    value: 'DIRECTORY',
    description: 'where the private key of the node is (default: /var/lib/kosmos/link)',
  },
  remove: { default: 'false', value: 'BOOLEAN', description: 'take everything away and end (default: false)' },
}

/** Reads the command line; throws with what is wrong and the usage. */
export function parseOptions(args: readonly string[], env: NodeJS.ProcessEnv): AgentOptions {
  // Typed by people: `--remove` alone will do.
  const spelled = args.map((arg, index) =>
    arg === '--remove' && !/^(true|false)$/.test(args[index + 1] ?? '') ? '--remove=true' : arg,
  )
  const { common, own: given, fail } = readCommandLine({ component: 'link-agent', own }, spelled, env)
  const remove = given.remove === 'true'
  if (!remove && given.remove !== 'false') fail(`--remove ${given.remove}: true or false is needed`)
  if (!remove && given.node === '') fail('--node NAME is needed')
  if (!remove && given['node-config'] === '') fail('--node-config NAME is needed')
  return {
    ...common,
    node: given.node,
    nodeConfig: given['node-config'],
    autodetection: methodOf(given.autodetection, fail),
    stateDir: given['state-dir'],
    remove,
  }
}

function methodOf(text: string, fail: (problem: string) => never): Autodetection {
  try {
    return parseAutodetection(text)
  } catch (error) {
    return fail(`--autodetection ${(error as Error).message}`)
  }
}
