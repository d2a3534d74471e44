import { once } from 'node:events'
import https from 'node:https'
import { text } from 'node:stream/consumers'
import { nodes } from '@kosmos/kube'
import type { Platform } from './platform.ts'

export interface KubeletAnswer {
  /** HTTP status. */
  readonly code: number
  readonly text: string
}

/** POST to the kubelet API of a virtual node, straight, as who holds the token; not by way of the root's API server. */
export async function postToKubelet(
  { root, testbed }: Platform,
  { node, path, token }: { readonly node: string; readonly path: string; readonly token: string },
): Promise<KubeletAnswer> {
  const { status } = (await root.get(nodes, { name: node })) ?? {}
  const host = status?.addresses?.find(({ type }) => type === 'InternalIP')?.address
  const port = status?.daemonEndpoints?.kubeletEndpoint?.Port
  if (!host || !port) throw new Error(`node ${node} does not say where its kubelet is`)
  const headers = { authorization: `Bearer ${token}` }
  const request = https.request({ host, port, path, method: 'POST', headers, ca: testbed.root.ca })
  request.end()
  const [response] = await once(request, 'response')
  return { code: response.statusCode, text: await text(response) }
}
