import { Client, Connection, createTransport, loadKubeConfig } from '@kosmos/kube'

/** Runs `use` with an administrator's client of the cluster; its connections are closed afterwards. */
export async function asAdmin<T>(
  cluster: { readonly name: string; readonly kubeconfig: string },
  use: (client: Client) => Promise<T>,
): Promise<T> {
  const transport = await createTransport(loadKubeConfig({ file: cluster.kubeconfig }))
  const connection = new Connection(cluster.name, transport)
  try {
    return await use(new Client(connection, 'kosmos-testbed'))
  } finally {
    await connection.close()
  }
}
