import type { NodePlan } from '../plan.ts'
import { isFlannel } from './cni.ts'
import { flannelCniConfig } from './flannel.ts'

/** A CNI network list, as it lies on a node. */
export function cniConfig({ cni, podCidr }: NodePlan): string {
  const list = isFlannel(cni) ? flannelCniConfig : routed(podCidr)
  return `${JSON.stringify(list, undefined, 2)}\n`
}

/**
 * `ptp` routes between a node and each of its pods, so that packets from a pod to a Service always
 * pass the node's own tables, also when the answer comes from a pod beside it (a bridge needs br_netfilter for that).
 */
const routed = (podCidr: string): object => ({
  cniVersion: '0.4.0',
  name: 'pods',
  plugins: [
    {
      type: 'ptp',
      ipam: {
        type: 'host-local',
        dataDir: '/run/cni',
        ranges: [[{ subnet: podCidr }]],
        routes: [{ dst: '0.0.0.0/0' }],
      },
    },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
})
