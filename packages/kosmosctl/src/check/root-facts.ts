import { systemNamespace } from '@kosmos/api'
import {
  type CertificateSigningRequest,
  type Client,
  certificateSigningRequests,
  type Lease,
  leases,
  type Node,
  nodes,
} from '@kosmos/kube'
import { clockOffsetMs } from '../clusters/clock.ts'
import { definitionState } from '../clusters/definition-state.ts'
import { serverVersion } from '../clusters/version.ts'
import { type InstalledController, installedController } from '../findings/idle-controller.ts'
import { virtualNodeSelector } from '../get/virtual-nodes.ts'
import { type AdmissionFacts, gatherAdmissionFacts } from './admission.ts'
import { type Probe, probe } from './kubelet-probe.ts'

export const controllersDeployment = 'clustertree'
const leaderLease = 'cluster-tree'

export interface RootFacts {
  readonly now: number
  readonly version: string
  readonly clockOffsetMs: number | undefined
  readonly definition: 'current' | 'other' | 'missing'
  /** That of ClusterTree. */
  readonly controller: InstalledController
  /** Whose renewals tell that a controller lives: that of the leader, and those of the virtual nodes. */
  readonly leases: readonly Lease[]
  readonly nodes: readonly Node[]
  readonly virtualNodes: readonly Node[]
  readonly probes: readonly Probe[]
  readonly servingRequests: readonly CertificateSigningRequest[]
  readonly admission: AdmissionFacts
}

/** Looks at the root; the only requests that reach further are those to the virtual nodes' kubelet API. */
export async function gatherRootFacts(root: Client): Promise<RootFacts> {
  const version = await serverVersion(root)
  const all = await root.listAll(nodes)
  const virtualNodes = await root.listAll(nodes, { labelSelector: virtualNodeSelector })
  const lease = (namespace: string, name: string) => root.get(leases, { namespace, name })
  const [offset, definition, controller, requests, probes, admission, ...found] = await Promise.all([
    clockOffsetMs(root.connection),
    definitionState(root),
    installedController(root, controllersDeployment),
    root.listAll(certificateSigningRequests),
    Promise.all(virtualNodes.map((node) => probe(root, node))),
    gatherAdmissionFacts(root),
    lease(systemNamespace, leaderLease),
    ...virtualNodes.map(({ metadata }) => lease('kube-node-lease', metadata.name)),
  ])
  return {
    now: Date.now(),
    version,
    clockOffsetMs: offset,
    definition,
    controller,
    leases: found.filter((one) => one !== undefined),
    nodes: all,
    virtualNodes,
    probes,
    servingRequests: requests,
    admission,
  }
}
