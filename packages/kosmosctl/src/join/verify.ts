import { setTimeout as sleep } from 'node:timers/promises'
import { ApiError } from '@kosmos/kube'
import { openCluster } from '../clusters/connect.ts'
import { clusterId } from '../clusters/identity.ts'

/** The leaf needs a moment to know a new account and its rights. */
const acceptedWithinMs = 10_000

/** Logs in to the leaf as the controllers will and returns the id of the cluster that answers. */
export async function logIn(kubeconfig: string): Promise<string> {
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
