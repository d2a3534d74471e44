import { type CommonOptions, readCommandLine } from '@kosmos/kube/process'

/** Reads the command line; throws with what is wrong and the usage. */
export function parseOptions(args: readonly string[], env: NodeJS.ProcessEnv): CommonOptions {
  return readCommandLine({ component: 'cluster-link', own: {} }, args, env).common
}
