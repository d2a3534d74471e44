import type { NodeContext } from '@kosmos/kubelet'

/** Where the root's API server reaches the kubelet API of a virtual node. */
export interface KubeletEndpoint {
  readonly address: string
  readonly port: number
}

/** The kubelet API of one virtual node. */
export interface VirtualKubelet {
  /** Undefined until it listens. */
  readonly endpoint: KubeletEndpoint | undefined
  close(): Promise<void>
}

/** Serves the kubelet API of virtual nodes. */
export interface Kubelets {
  /** `listening` is called when the endpoint is known or has changed. */
  serve(node: NodeContext, listening: () => void): VirtualKubelet
}

/** The kubelet API of a virtual node on behalf of one connection to its leaf. */
export interface ConnectedKubelet extends VirtualKubelet {
  /** The connection has ended: the port and the certificate stay for the next one. */
  disconnect(): void
}
