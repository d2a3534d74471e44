import { after, before } from 'node:test'
import { type ControlPlane, startControlPlane } from '@kosmos/testbed'
import { Client } from './client/client.ts'
import { Connection, type ConnectionOptions } from './connection/connection.ts'
import { loadKubeConfig } from './connection/kubeconfig.ts'
import { createTransport } from './connection/transport.ts'
import { namespaces } from './objects/resources.ts'

export interface LiveCluster {
  readonly controlPlane: ControlPlane
  /** An administrator with a connection of its own. */
  client(fieldManager?: string, options?: ConnectionOptions): Promise<Client>
  /** A new namespace of that name. */
  namespace(name: string): Promise<string>
}

/** A real API server for the tests of the surrounding describe; its members may be used from within tests. */
export function liveCluster(): LiveCluster {
  let started: ControlPlane | undefined
  const connections: Connection[] = []
  const controlPlane = () => {
    if (!started) throw new Error('the control plane is there within tests only')
    return started
  }
  const cluster: LiveCluster = {
    get controlPlane() {
      return controlPlane()
    },
    async client(fieldManager = 'kosmos-test', options = {}) {
      const transport = await createTransport(loadKubeConfig({ file: controlPlane().kubeconfig }))
      const connection = new Connection(controlPlane().name, transport, options)
      connections.push(connection)
      return new Client(connection, fieldManager)
    },
    async namespace(name) {
      await (await cluster.client()).create(namespaces, { metadata: { name } })
      return name
    },
  }
  before(async () => {
    started = await startControlPlane()
  })
  after(async () => {
    await Promise.all(connections.map((connection) => connection.close()))
    await started?.stop()
  })
  return cluster
}
