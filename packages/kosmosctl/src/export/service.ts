import { setTimeout as sleep } from 'node:timers/promises'
import { serviceExports } from '@kosmos/cluster-link'
import { type Client, type ObjectRef, servedResource } from '@kosmos/kube'
import { Failure } from '../terminal/failure.ts'

export interface ExportedService {
  readonly namespace: string
  readonly name: string
  /** By which pods of every linked cluster with the namespace find it. */
  readonly dnsName: string
  /** What cluster-link says of it; empty if that was not waited for. */
  readonly conditions: readonly { readonly type: string; readonly status: string; readonly message: string }[]
}

/** Exports a Service of a cluster to all linked ones, or has only the API server say whether it would. Throws a Failure if cluster-link says within the time that it cannot be. */
export async function exportService(
  client: Client,
  { namespace = '', name }: ObjectRef,
  { timeoutMs, dryRun }: { readonly timeoutMs: number; readonly dryRun: boolean },
): Promise<ExportedService> {
  await demandExports(client)
  const outcome = await client.create(serviceExports, { metadata: { namespace, name } }, { dryRun })
  if (!outcome.ok && outcome.reason !== 'AlreadyExists') {
    throw new Failure(`Service ${namespace}/${name} was not exported: ${outcome.status.message}`, {
      next: `use a kubeconfig of somebody who may create serviceexports in ${namespace}, a namespace that there is`,
    })
  }
  const until = Date.now() + timeoutMs
  const result = { namespace, name, dnsName: `${name}.${namespace}.svc.clusterset.local` }
  if (dryRun) return { ...result, conditions: [] }
  for (;;) {
    const { status } = timeoutMs > 0 ? ((await client.get(serviceExports, { namespace, name })) ?? {}) : {}
    const { conditions = [] } = status ?? {}
    const bad = conditions.find(({ type, status }) => type !== 'Conflict' && status !== 'True')
    if (conditions.length > 0 && !bad) return { ...result, conditions }
    if (timeoutMs === 0) return { ...result, conditions }
    if (bad?.type === 'Valid' || Date.now() > until) {
      const why = bad
        ? `${bad.reason}: ${bad.message}`
        : `cluster-link has not looked at it within ${timeoutMs / 1000} s`
      throw new Failure(`Service ${namespace}/${name} is not exported: ${why}`, {
        next: bad
          ? `its ServiceExport stays: kubectl describe serviceexport ${name} -n ${namespace}`
          : 'is the cluster linked? kosmosctl link check',
      })
    }
    await sleep(200)
  }
}

/** Ends an export, or only looks whether there is one to end. Throws a Failure if there is none. */
export async function unexportService(
  client: Client,
  { namespace = '', name }: ObjectRef,
  dryRun: boolean,
): Promise<void> {
  await demandExports(client)
  const outcome = await client.delete(serviceExports, { namespace, name }, { dryRun })
  if (!outcome.ok) {
    throw new Failure(
      `Service ${namespace}/${name} is not exported here: ${outcome.status.message ?? outcome.reason}`,
      {
        next: 'kubectl get serviceexports -A lists those that are; --kubeconfig names the cluster that has the Service',
      },
    )
  }
}

async function demandExports(client: Client): Promise<void> {
  if ((await servedResource(client, [serviceExports])) !== undefined) return
  throw new Failure('the cluster does not know the kind ServiceExport', { next: 'link it: kosmosctl join NAME --link' })
}
