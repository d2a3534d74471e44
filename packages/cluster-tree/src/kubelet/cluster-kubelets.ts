import { type NodeContext, StatsUnavailable } from '@kosmos/kubelet'
import type { BoundPods } from '../root/bound-pods.ts'
import type { ConnectedKubelet, Kubelets, VirtualKubelet } from './kubelets.ts'

interface Kept {
  readonly kubelet: VirtualKubelet
  node: NodeContext
  listening: () => void
}

/**
 * The kubelets of one Cluster's virtual nodes. They outlast a connection to the leaf: when it is reached otherwise the nodes keep
 * their ports and certificates, and are only led elsewhere.
 */
export class ClusterKubelets implements Kubelets {
  readonly #kubelets: Kubelets
  readonly #boundPods: Pick<BoundPods, 'on'>
  readonly #kept = new Map<string, Kept>()

  constructor(kubelets: Kubelets, boundPods: Pick<BoundPods, 'on'>) {
    this.#kubelets = kubelets
    this.#boundPods = boundPods
  }

  serve(node: NodeContext, listening: () => void): ConnectedKubelet {
    const { nodeName } = node
    const known = this.#kept.get(nodeName)
    const kept = known ?? this.#start(node, listening)
    if (known) {
      Object.assign(known, { node, listening })
      if (known.kubelet.endpoint) listening()
    }
    return {
      get endpoint() {
        return kept.kubelet.endpoint
      },
      disconnect: () => {
        kept.node = this.#disconnected(node)
        kept.listening = () => {}
      },
      close: async () => {
        this.#kept.delete(nodeName)
        await kept.kubelet.close()
      },
    }
  }

  async close(): Promise<void> {
    const all = [...this.#kept.values()]
    this.#kept.clear()
    await Promise.all(all.map(({ kubelet }) => kubelet.close()))
  }

  #start(node: NodeContext, listening: () => void): Kept {
    const { nodeName } = node
    const context: NodeContext = {
      nodeName,
      get version() {
        return kept.node.version
      },
      get pods() {
        return kept.node.pods
      },
      get leafNodes() {
        return kept.node.leafNodes
      },
    }
    const kept: Kept = {
      node,
      listening,
      kubelet: this.#kubelets.serve(context, () => kept.listening()),
    }
    this.#kept.set(nodeName, kept)
    return kept
  }

  /** What a node answers while nothing leads to its leaf. Holds no cache of the connection that has ended. */
  #disconnected({ nodeName, version, leafNodes: { connection } }: NodeContext): NodeContext {
    const boundPods = this.#boundPods
    const message = `node ${nodeName} is not connected to cluster ${connection.name} now`
    return {
      nodeName,
      version,
      pods: { list: () => boundPods.on(nodeName), locate: () => ({ kind: 'unavailable', message }) },
      leafNodes: {
        connection,
        names: () => {
          throw new StatsUnavailable(message)
        },
        copies: () => new Map(),
      },
    }
  }
}
