import type { Testbed } from '@kosmos/testbed'

/** The kubeconfig with which cluster-tree logs in to the root. */
export async function rootCredentials({ root }: Testbed): Promise<string> {
  return root.kubeconfig
}
