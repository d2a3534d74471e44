import { setTimeout as sleep } from 'node:timers/promises'
import { ApiError, ClusterUnreachable } from '@kosmos/kube'
import { openCluster } from '../clusters/connect.ts'
import { clusterId } from '../clusters/identity.ts'
import { explain } from '../terminal/explain.ts'
import { Failure } from '../terminal/failure.ts'
import type { Progress } from '../terminal/progress.ts'

/** The leaf needs a moment to know a new account and its rights. */
const acceptedWithinMs = 10_000

/**
 * Makes sure that the new credentials work and lead to the leaf.
 * @param server the address at which the controllers reach the leaf, if another one than in the kubeconfig was named
 * @throws Failure if another cluster answers; ApiError, ClusterUnreachable
 */
export async function verify(
  kubeconfig: string,
  leafId: string,
  server: string | undefined,
  progress: Progress,
): Promise<void> {
  try {
    const id = await logIn(kubeconfig)
    if (id === leafId) return
  } catch (error) {
    // The address is meant for the controllers: that it does not answer here says little.
    if (server !== undefined && error instanceof ClusterUnreachable) {
      progress.warn(`the leaf was not reached at ${server} from this machine: ${explain(error).message}`)
      return
    }
    throw error
  }
  throw new Failure(`another cluster than the leaf answers at ${server}`, { next: 'correct --server' })
}

/** Logs in to the leaf as the controllers will and returns the id of the cluster that answers. */
async function logIn(kubeconfig: string): Promise<string> {
  const { client } = await openCluster('leaf', { text: kubeconfig, selfContained: true })
  try {
    const until = Date.now() + acceptedWithinMs
    for (;;) {
      try {
        return await clusterId(client)
      } catch (error) {
        const early = error instanceof ApiError && (error.code === 401 || error.code === 403)
        if (!early || Date.now() > until) throw error
        await sleep(200)
      }
    }
  } finally {
    await client.connection.close()
  }
}
