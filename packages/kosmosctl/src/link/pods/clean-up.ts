import type { Client, Resource } from '@kosmos/kube'
import { linkNamespace } from '../network/facts.ts'
import { checkLabel } from './manifests.ts'

/** Deletes everything of a run. */
export async function cleanUp(client: Client, run: string, resources: readonly Resource[]): Promise<void> {
  const selector = { namespace: linkNamespace, labelSelector: `${checkLabel}=${run}` }
  for (const resource of resources) {
    for (const { metadata } of await client.listAll(resource, selector)) {
      const { name = '', uid = '' } = metadata ?? {}
      await client.delete(resource, { namespace: linkNamespace, name }, { uid, gracePeriodSeconds: 1 })
    }
  }
}
