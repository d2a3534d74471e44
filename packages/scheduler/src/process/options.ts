import { type CommonOptions, readCommandLine } from '@kosmos/kube/process'

export interface SchedulerProcessOptions extends CommonOptions {
  /** How long a leaf may look for a node for a pod before it is taken back; 0: as long as it likes. */
  readonly takeBackAfterMs: number
}

const command = {
  component: 'scheduler',
  own: {
    'take-back-after': {
      default: '30',
      value: 'SECONDS',
      description: 'how long a leaf may look for a node before a pod is taken back (default: 30; 0: never taken back)',
    },
  },
}

/** Reads the command line; throws with what is wrong and the usage. */
export function parseOptions(args: readonly string[], env: NodeJS.ProcessEnv): SchedulerProcessOptions {
  const { common, own, fail } = readCommandLine(command, args, env)
  const seconds = own['take-back-after']
  if (!/^\d{1,5}$/.test(seconds)) fail(`--take-back-after ${seconds}: a number of seconds is needed`)
  return { ...common, takeBackAfterMs: Number(seconds) * 1000 }
}
