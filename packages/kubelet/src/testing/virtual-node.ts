import { type Client, nodes, pods, unwrap } from '@kosmos/kube'
import { createIdentifyToken } from '@kosmos/kube/auth'
import type { ServingCertificate } from '@kosmos/kube/certificates'
import { Registry } from 'prom-client'
import { createKubeletApi, type KubeletApi } from '../api.ts'
import { createAuthorize } from '../auth/access.ts'
import { createAuthenticate } from '../auth/authenticate.ts'
import { readClientCA } from '../auth/client-ca.ts'
import { createIdentifyPeer } from '../auth/client-certificate.ts'
import { obtainServingCertificate } from '../certificates/obtain.ts'
import type { LocatedPod } from '../pods.ts'
import { createKubeletServer } from '../server.ts'
import { noNodes } from './serve.ts'

/** A Node of a real root, on loopback, whose kubelet is ours. */
export interface VirtualNode {
  readonly api: KubeletApi
  readonly certificate: ServingCertificate
  readonly registry: Registry
  readonly port: number
  close(): Promise<void>
}

/** `features`: what the node declares, e.g. `ExtendWebSocketsToKubelet`. */
export async function startVirtualNode(
  client: Client,
  nodeName: string,
  locate: (pod: string) => LocatedPod,
  features: readonly string[] = [],
): Promise<VirtualNode> {
  const certificate = await obtainServingCertificate({ client, names: { nodeName, hosts: ['127.0.0.1'] } })
  const registry = new Registry()
  const api = await createKubeletApi({
    authenticate: createAuthenticate(createIdentifyPeer(), createIdentifyToken(client)),
    authorize: createAuthorize(client),
    clientCA: await readClientCA(client),
    registry,
    log: () => {},
  })
  const server = createKubeletServer(api, {
    node: {
      nodeName,
      version: 'v1.37.2',
      pods: { locate: ({ pod }) => locate(pod), list: () => [] },
      leafNodes: noNodes,
    },
    certificate: { current: () => certificate, onRenewal: () => () => {} },
    address: '127.0.0.1',
    port: 0,
  })
  const { port } = await server.listen()
  unwrap(await client.create(nodes, { metadata: { name: nodeName } }))
  const status = {
    addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
    daemonEndpoints: { kubeletEndpoint: { Port: port } },
    declaredFeatures: features,
  }
  unwrap(await client.patch(nodes, { name: nodeName }, { status }, { type: 'merge', subresource: 'status' }))
  return { api, certificate, registry, port, close: () => server.close() }
}

/** Creates a pod of one container `main`, as soon as its ServiceAccount is there. */
export async function createPod(client: Client, name: string, spec: object): Promise<void> {
  const pod = { metadata: { namespace: 'default', name }, spec: { automountServiceAccountToken: false, ...spec } }
  for (;;) {
    const outcome = await client.create(pods, pod as object)
    if (outcome.ok) return
    // The controller manager makes the ServiceAccount that admission asks for.
    if (outcome.reason !== 'Forbidden') throw new Error(outcome.status.message)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
