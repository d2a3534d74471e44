import { Client, Connection, type ConnectionOptions, createTransport, loadKubeConfig } from '@kosmos/kube'
import { type ControlPlane, startControlPlane } from '@kosmos/testbed'

/** A cluster of its own for a test: an API server without controllers, and its administrator. */
export interface LiveCluster {
  readonly controlPlane: ControlPlane
  readonly client: Client
  end(): Promise<void>
}

/** `apiServerFlags`: of its API server, beside those that it has anyway. */
export async function startCluster(
  name: string,
  apiServerFlags: Readonly<Record<string, string>> = {},
): Promise<LiveCluster> {
  const controlPlane = await startControlPlane({ name, apiServerFlags })
  const client = await connect(name, controlPlane.kubeconfig)
  return {
    controlPlane,
    client,
    end: async () => {
      await client.connection.close()
      await controlPlane.stop()
    },
  }
}

/** An administrator's client; its connection is closed by whoever asked for it. */
export async function connect(name: string, kubeconfig: string, options: ConnectionOptions = {}): Promise<Client> {
  const transport = await createTransport(loadKubeConfig({ file: kubeconfig }))
  return new Client(new Connection(name, transport, options), 'kosmos-test')
}

/** Waits until `look` returns something true; the time only bounds a test that would never end. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | false | undefined> | T | false | undefined,
): Promise<T> {
  const deadline = Date.now() + 60_000
  for (;;) {
    const seen = await look()
    if (seen) return seen
    if (Date.now() > deadline) throw new Error(`never: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
