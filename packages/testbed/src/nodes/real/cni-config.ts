/**
 * A CNI network list: `ptp` routes between a node and each of its pods, so that packets from a pod to a Service always
 * pass the node's own tables, also when the answer comes from a pod beside it (a bridge needs br_netfilter for that).
 */
export function cniConfig(podCidr: string): string {
  return `${JSON.stringify(
    {
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
    },
    undefined,
    2,
  )}\n`
}
