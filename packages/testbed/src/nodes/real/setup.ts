import path from 'node:path'
import { isFlannel } from './network/cni.ts'
import type { NodePlan } from './plan.ts'
import { line } from './shell.ts'

export interface NodeSetup {
  readonly node: NodePlan
  /** Length of the underlay's prefix, and the host's address in it. */
  readonly underlayPrefix: number
  readonly gateway: string
  readonly switchPid: number
  /** Pods of the whole cluster; they see each other under their own addresses. */
  readonly clusterCidr: string
  /** The other nodes of the cluster. */
  readonly peers: readonly NodePlan[]
  /** Host files that the node's processes need, wherever they are. */
  readonly keep: readonly string[]
}

/**
 * The script that turns new mount, network and UTS namespaces into a machine of its own: link, routes, and fresh
 * /run, /var/lib and /var/log, so that kubelet and containerd find their usual places empty and leave nothing behind.
 */
export function setupScript(setup: NodeSetup): string[] {
  return [line('hostname', setup.node.name), ...network(setup), ...files(setup)]
}

function network({ node, underlayPrefix, gateway, switchPid, clusterCidr, peers }: NodeSetup): string[] {
  const port = `port${node.address.split('.').at(-1)}`
  return [
    line('ip', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', port, 'netns', String(switchPid)),
    line('nsenter', `--target=${switchPid}`, '--net', '--', 'ip', 'link', 'set', port, 'master', 'bridge', 'up'),
    `ip -batch - <<'EOF'`,
    'link set lo up',
    `address add ${node.address}/${underlayPrefix} dev eth0`,
    'link set eth0 up',
    `route add default via ${gateway}`,
    ...(isFlannel(node.cni) ? [] : peers.map((peer) => `route add ${peer.podCidr} via ${peer.address}`)),
    'EOF',
    'echo 1 > /proc/sys/net/ipv4/ip_forward',
    ...(isFlannel(node.cni) ? bridged : egress(node, clusterCidr)),
  ]
}

/** Between pods of one node, packets to a Service and their answers pass kube-proxy's tables. */
const bridged = ['iptables', 'ip6tables'].map((program) => `echo 1 > /proc/sys/net/bridge/bridge-nf-call-${program}`)

/** Whoever is outside of the cluster knows no way back to a pod, so it sees the node. */
function egress(node: NodePlan, clusterCidr: string): string[] {
  return [
    `nft -f - <<'EOF'`,
    'table ip egress {',
    '  chain postrouting {',
    '    type nat hook postrouting priority srcnat; policy accept;',
    `    ip saddr ${node.podCidr} ip daddr != ${clusterCidr} oifname "eth0" masquerade`,
    '  }',
    '}',
    'EOF',
  ]
}

function files({ node, keep }: NodeSetup): string[] {
  return [
    // Shared again, within this namespace: pods may ask for mount propagation.
    'mount --make-rshared /',
    ...replace('/run', ['-t', 'tmpfs', '-o', 'mode=0755', 'node'], keep),
    ...['/var/lib', '/var/log'].flatMap((target) => {
      const source = path.join(node.dir, 'root', target)
      return [line('mkdir', '-p', source), ...replace(target, ['--bind', source], keep)]
    }),
  ]
}

/** Mounts something over `target`; entries of the old `target` that lead to kept files stay reachable. */
function replace(target: string, mount: readonly string[], keep: readonly string[]): string[] {
  const kept = keep.filter((file) => file.startsWith(`${target}/`))
  const entries = new Set(kept.map((file) => file.slice(target.length + 1).split('/')[0] ?? ''))
  return [
    line('cd', target),
    line('mount', ...mount, target),
    // The shell still stands in the old directory; without -c mount would look the name up in the new one.
    ...[...entries].flatMap((entry) => [
      line('mkdir', '-p', `${target}/${entry}`),
      line('mount', '-c', '--rbind', `./${entry}`, `${target}/${entry}`),
    ]),
    'cd /',
  ]
}
