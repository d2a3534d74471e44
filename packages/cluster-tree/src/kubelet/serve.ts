import type { Client } from '@kosmos/kube'
import { createIdentifyToken } from '@kosmos/kube/auth'
import { type Log, persist } from '@kosmos/kube/process'
import {
  createAuthenticate,
  createAuthorize,
  createIdentifyPeer,
  createKubeletApi,
  createKubeletServer,
  followClientCA,
  inTurn,
  type KubeletApi,
  type NodeContext,
  obtainServingCertificate,
  type RotationOptions,
  readClientCA,
  rotateCertificate,
} from '@kosmos/kubelet'
import type { Metrics } from '../process/metrics.ts'
import type { KubeletEndpoint, Kubelets, VirtualKubelet } from './kubelets.ts'
import type { PortRange } from './ports.ts'

export interface ServeOptions {
  readonly root: Client
  /** Where the root's API server reaches this process. */
  readonly address: string
  readonly ports: PortRange
  /** Of this process, for /flagz. */
  readonly flags: Readonly<Record<string, string>>
  readonly metrics: Metrics
  readonly log: Log
  /** Ends what goes on between requests. */
  readonly signal: AbortSignal
}

/** The kubelet API of every virtual node of this process, authenticated and authorised by the root. */
export async function serveKubelets(options: ServeOptions): Promise<Kubelets> {
  const { root, metrics, flags, log, signal } = options
  const api = await createKubeletApi({
    authenticate: createAuthenticate(createIdentifyPeer(), createIdentifyToken(root)),
    authorize: createAuthorize(root),
    clientCA: await readClientCA(root),
    registry: metrics.registry,
    flags,
    log: ({ level, event, ...fields }) => log(level, `kubelet.${event}`, fields as Record<string, string>),
  })
  void followClientCA(root, (pem) => api.updateClientCA(pem), signal)
  const obtain = inTurn((names, signal) => obtainServingCertificate({ client: root, names, signal }))
  return { serve: (node, listening) => serve(api, node, listening, { ...options, obtain }) }
}

function serve(
  api: KubeletApi,
  node: NodeContext,
  listening: () => void,
  { address, ports, log, obtain }: ServeOptions & Pick<RotationOptions, 'obtain'>,
): VirtualKubelet {
  const { nodeName } = node
  const stop = new AbortController()
  let endpoint: KubeletEndpoint | undefined
  const started = (async () => {
    // What stands in the way of a certificate is mended in the root, by rights or a signer, while we run.
    const certificate = await persist(
      'kubelet.certificate',
      () =>
        rotateCertificate(
          {
            names: { nodeName, hosts: [address] },
            obtain,
            log: api.log,
          },
          stop.signal,
        ),
      log,
      stop.signal,
    )
    const server = createKubeletServer(api, { node, certificate, address, port: ports.take(nodeName) })
    const { port } = await persist('kubelet.listen', () => server.listen(), log, stop.signal)
    endpoint = { address, port }
    listening()
    return server
  })()
  started.catch((error: Error) => {
    if (!stop.signal.aborted) log('error', 'kubelet.failed', { node: nodeName, reason: error.message })
  })
  return {
    get endpoint() {
      return endpoint
    },
    close: async () => {
      stop.abort()
      const server = await started.catch(() => undefined)
      await server?.close()
      ports.release(nodeName)
    },
  }
}
