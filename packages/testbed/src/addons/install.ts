import { type Client, unwrap } from '@kosmos/kube'
import { coreDns, dnsAvailable } from './coredns.ts'
import { kubeletAccess } from './kubelet-access.ts'

export interface AddonOptions {
  /** Image of CoreDNS; the nodes have it. */
  readonly coreDns: string
  readonly dnsAddress: string
}

/** Brings a cluster with real nodes to what everybody expects of one; resolves when cluster DNS is available. */
export async function installAddons(client: Client, options: AddonOptions): Promise<void> {
  const manifests = [kubeletAccess(), ...coreDns({ image: options.coreDns, address: options.dnsAddress })]
  for (const { resource, object } of manifests) unwrap(await client.apply(resource, object))
  await dnsAvailable(client)
}
