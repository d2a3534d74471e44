import { setTimeout as sleep } from 'node:timers/promises'
import { Client, Connection, createTransport, loadKubeConfig, namespaces, serviceAccounts } from '@kosmos/kube'

/** The namespace that benchmarks work in. */
export const NAMESPACE = 'bench'

/** Works on a cluster in the namespace of benchmarks, which is made when it is not there. */
export async function onCluster<T>(kubeconfig: string, work: (client: Client) => Promise<T>): Promise<T> {
  const connection = new Connection('bench', await createTransport(loadKubeConfig({ file: kubeconfig })))
  const client = new Client(connection, 'bench')
  try {
    await client.create(namespaces, { metadata: { name: NAMESPACE } })
    while (!(await client.get(serviceAccounts, { namespace: NAMESPACE, name: 'default' }))) {
      await sleep(50)
    }
    return await work(client)
  } finally {
    await connection.close()
  }
}
