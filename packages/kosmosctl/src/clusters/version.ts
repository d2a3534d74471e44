import type { Client } from '@kosmos/kube'
import { coerce, type SemVer } from 'semver'
import { Failure } from '../terminal/failure.ts'

/** The oldest Kubernetes that a leaf may run: sidecar containers and pod status by hostIPs are on by default. */
export const oldestLeaf = '1.29.0'
/** The oldest Kubernetes that the root may run: rules of the kinds look at IP addresses (isCIDR), which CEL of older API servers cannot. */
export const oldestRoot = '1.31.0'
/** How many minor versions root and leaf may be apart before fields of pods are likely to be unknown to one. */
export const comfortableSkew = 3

/** The gitVersion of an API server, such as `v1.37.2` or `v1.33.1+k3s1`. */
export async function serverVersion(client: Client, timeoutMs = 15_000): Promise<string> {
  const { gitVersion } = (await client.raw('/version', { timeoutMs })) as { gitVersion?: unknown }
  if (typeof gitVersion !== 'string') {
    throw new Failure(`${client.name}: ${client.connection.server.href} is no Kubernetes API server`, {
      next: 'correct the server in the kubeconfig: GET /version there has to tell a gitVersion',
    })
  }
  return gitVersion
}

/** The Kubernetes release that a gitVersion stands for; what distributions append does not count. */
export function release(gitVersion: string): SemVer | null {
  return coerce(gitVersion)
}
