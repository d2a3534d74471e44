import type { IncomingMessage } from 'node:http'
import type { Admitted } from '../auth/admit.ts'
import type { NodePods } from '../pods.ts'
import type { LeafNodes } from '../stats/leaf-nodes.ts'
import type { Spares } from '../tunnel/spare.ts'
import type { Upgrade } from '../tunnel/tunnel.ts'

/** The virtual node whose kubelet is asked. */
export interface NodeContext {
  readonly nodeName: string
  /** gitVersion of its leaf, which the Node tells as its kubelet's. */
  readonly version: string
  readonly pods: NodePods
  readonly leafNodes: LeafNodes
}

/** What is known of an admitted request besides itself. */
export interface RequestContext extends Admitted {
  readonly node: NodeContext
  /** Present if the client asks for an upgrade. */
  readonly upgrade?: Upgrade
  /** Connections to leaves for sessions. */
  readonly spares: Spares
  /** Reports the status of an answer that Node did not write. */
  readonly answered: (code: number) => void
}

export type RequestContexts = WeakMap<IncomingMessage, RequestContext>
