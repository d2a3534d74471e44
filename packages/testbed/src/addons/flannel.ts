import { readFile } from 'node:fs/promises'
import { type Client, configMaps, type KubeObject, namespaces, serviceAccounts, unwrap } from '@kosmos/kube'
import { loadAll } from 'js-yaml'
import { rbac } from './manifest.ts'

/** What of the manifest is applied; flanneld itself is a process of the node, which a test can kill and start again. */
const resources = {
  Namespace: namespaces,
  ClusterRole: rbac.clusterRoles,
  ClusterRoleBinding: rbac.clusterRoleBindings,
  ServiceAccount: serviceAccounts,
  ConfigMap: configMaps,
} as const

/**
 * The objects of Flannel's own manifest, with the network of the cluster.
 * @param manifest path of kube-flannel.yml
 * @param netConf text of net-conf.json
 */
export async function installFlannel(client: Client, manifest: string, netConf: string): Promise<void> {
  const objects = loadAll(await readFile(manifest, 'utf8')) as (KubeObject & { readonly kind: string })[]
  for (const object of objects) {
    const resource = resources[object.kind as keyof typeof resources]
    if (!resource) continue
    const isConfig = resource === configMaps
    const data = { ...(object as { data?: object }).data, 'net-conf.json': netConf }
    unwrap(await client.apply(resource, { ...object, ...(isConfig && { data }) }))
  }
}
