import type { KubeConfigSource } from '@kosmos/kube'
import { InvalidArgumentError } from 'commander'
import type { OwnKubeconfigs } from './network/facts.ts'

/** `name=file`, several times. */
export function parseClusterKubeconfig(text: string, before: OwnKubeconfigs = new Map()): OwnKubeconfigs {
  const [, name, file] = /^([^=]+)=(.+)$/.exec(text) ?? []
  if (name === undefined || file === undefined) throw new InvalidArgumentError('Write it like paris=paris.kubeconfig.')
  return new Map<string, KubeConfigSource>([...before, [name, { file }]])
}

export const clusterKubeconfigHelp =
  'ask this cluster with a kubeconfig of your own, such as paris=paris.kubeconfig, not with the credentials in the root; repeat it for more'
