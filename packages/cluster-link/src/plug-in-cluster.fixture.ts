import { type Client, nodes, pods, unwrap } from '@kosmos/kube'
import { eventually, type Host } from './agent/network.fixture.ts'

const namespace = 'default'

/** A host as a Node at an address, as its kubelet would register it. */
export async function createNode(
  client: Client,
  host: Host,
  address: string | undefined,
  annotations: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { name } = host
  unwrap(await client.create(nodes, { metadata: { name, annotations } }))
  const status = { addresses: [{ type: 'InternalIP', address }] }
  unwrap(await client.patch(nodes, { name }, { status }, { type: 'merge', subresource: 'status' }))
}

/** A pod of a host with its name as a label, as soon as its ServiceAccount is known. @returns its uid */
export async function createPod(client: Client, host: Host, name: string): Promise<string> {
  const spec = { nodeName: host.name, automountServiceAccountToken: false, containers: [{ name: 'c', image: 'i' }] }
  const metadata = { namespace, name, labels: { name } }
  return await eventually('the pod is made', async () => {
    const made = await client.create(pods, { metadata, ...{ spec } })
    return made.ok && made.object.metadata.uid
  })
}

/** What a kubelet says of a pod when it has a network. */
export async function runsAt(client: Client, name: string, address: string): Promise<void> {
  const status = { phase: 'Running', podIP: address, podIPs: [{ ip: address }] }
  unwrap(await client.patch(pods, { namespace, name }, { status }, { type: 'merge', subresource: 'status' }))
}
