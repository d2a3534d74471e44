import https from 'node:https'
import type { ServingCertificate } from '@kosmos/kube/certificates'
import { Registry } from 'prom-client'
import { createKubeletApi, type KubeletApi } from '../api.ts'
import type { Access } from '../auth/access.ts'
import { createAuthenticate } from '../auth/authenticate.ts'
import { createIdentifyPeer } from '../auth/client-certificate.ts'
import { selfSignedNodeCertificate } from '../certificates/self-signed.ts'
import type { KubeletEvent } from '../log.ts'
import type { LocatedPod, NodePods } from '../pods.ts'
import { createKubeletServer, type KubeletServer } from '../server.ts'
import type { LeafNodes } from '../stats/leaf-nodes.ts'

export interface ServeOptions {
  readonly clientCA?: string
  /** Token → user name. */
  readonly tokens?: Readonly<Record<string, string>>
  readonly allow?: (access: Access) => boolean | Promise<boolean>
  readonly locate?: () => LocatedPod | Promise<LocatedPod>
  readonly list?: NodePods['list']
  readonly leafNodes?: LeafNodes
  readonly flags?: Readonly<Record<string, string>>
}

/** A kubelet API of a node "vn1" on loopback, whose users and rights are functions of the test. */
export interface Served {
  readonly api: KubeletApi
  readonly server: KubeletServer
  readonly port: number
  readonly registry: Registry
  readonly asked: Access[]
  readonly events: KubeletEvent[]
  renew(certificate: ServingCertificate): void
}

/** A leaf without nodes. */
export const noNodes = { names: () => [], copies: () => new Map() } as unknown as LeafNodes

export async function serve(options: ServeOptions = {}): Promise<Served> {
  const {
    tokens = { good: 'alice' },
    allow = () => true,
    locate = () => ({ kind: 'absent', message: 'no such pod' }),
    list = () => [],
  } = options
  const registry = new Registry()
  const asked: Access[] = []
  const events: KubeletEvent[] = []
  const api = await createKubeletApi({
    authenticate: createAuthenticate(createIdentifyPeer(), async (token) => {
      if (token === 'broken') throw new Error('the root is away')
      const name = tokens[token]
      return name === undefined ? undefined : { name, groups: [] }
    }),
    authorize: async (access) => {
      asked.push(access)
      return allow(access)
    },
    clientCA: options.clientCA,
    registry,
    log: (event) => events.push(event),
    ...(options.flags && { flags: options.flags }),
  })
  let current = await selfSignedNodeCertificate({ nodeName: 'vn1', hosts: ['127.0.0.1'] })
  const listeners = new Set<() => void>()
  const server = createKubeletServer(api, {
    node: { nodeName: 'vn1', version: 'v1.37.2', pods: { locate, list }, leafNodes: options.leafNodes ?? noNodes },
    certificate: {
      current: () => current,
      onRenewal: (listener) => {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    },
    address: '127.0.0.1',
    port: 0,
  })
  const { port } = await server.listen()
  const renew = (certificate: ServingCertificate) => {
    current = certificate
    for (const listener of listeners) listener()
  }
  return { api, server, port, registry, asked, events, renew }
}

export interface Answered {
  readonly code: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

/** Sends a request to a served kubelet API; the request target goes out as given. */
export function ask(
  port: number,
  target: string,
  options: https.RequestOptions & { readonly token?: string } = {},
): Promise<Answered> {
  const { token, ...rest } = options
  return new Promise((resolve, reject) => {
    const request = https.request(
      {
        host: '127.0.0.1',
        port,
        path: target,
        rejectUnauthorized: false,
        agent: false,
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
        ...rest,
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () =>
          resolve({
            code: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString('utf8'),
          }),
        )
      },
    )
    request.on('error', reject)
    request.end()
  })
}
