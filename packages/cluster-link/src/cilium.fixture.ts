import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { dirname } from 'node:path'
import type { Client } from '@kosmos/kube'
import { ensureBinaries, ensurePrograms, silent } from '@kosmos/testbed'
import { eventually, type Host, type Network } from './agent/network.fixture.ts'
import { reachFrom } from './network-policies.fixture.ts'
import { createNode, createPod, runsAt } from './plug-in-cluster.fixture.ts'

/** A cluster whose nodes are hosts, with an API server that is reached by the same address from this machine. */
export interface CiliumCluster {
  readonly client: Client
  readonly server: string
  readonly kubeconfig: string
  /** Addresses of the nodes, by the names of their hosts. */
  readonly nodes: ReadonlyMap<Host, string>
  /** What the operator gives to nodes, a /26 to each. */
  readonly podCIDR: string
  /** Settings of the agents beside those that do without what is not needed here. */
  readonly settings?: Readonly<Record<string, string>>
}

export interface Cilium {
  /** A pod that cilium-cni has given a network, and its address. */
  pod(host: Host, name: string): Promise<{ readonly host: Host; readonly address: string }>
  stop(): Promise<void>
}

interface Conflist {
  readonly cniVersion: string
  readonly name: string
  readonly plugins: readonly object[]
}

const namespace = 'kube-system'
const conflist = '/run/cni/05-cilium.conflist'

/** What is said to operator and agents alike. */
const common = {
  'identity-allocation-mode': 'crd',
  ipam: 'cluster-pool',
  'enable-ipv4': 'true',
  'enable-ipv6': 'false',
}

/** Cilium itself: the operator on one of the hosts, an agent on each, pods by its CNI plugin. */
export async function startCilium(network: Network, cluster: CiliumCluster): Promise<Cilium> {
  const { client, kubeconfig, podCIDR } = cluster
  const programs = await ensurePrograms(['clang', 'iptables', 'ipset'], silent)
  const bin = await ensureBinaries(['cilium-agent', 'cilium-operator', 'cilium-cni', 'bpf'], silent)
  const relays = await Promise.all(
    [...cluster.nodes.keys()].map((host) => reachFrom(network, host, new URL(cluster.server))),
  )
  const start = (host: Host, program: string, settings: Readonly<Record<string, string>>): ChildProcess => {
    const path = `PATH=${dirname(programs.clang)}:${process.env.PATH}`
    const flags = { ...common, 'k8s-kubeconfig-path': kubeconfig, ...settings }
    const argv = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`)
    return network.start(host, [
      'env',
      path,
      `K8S_NODE_NAME=${host.name}`,
      `CILIUM_K8S_NAMESPACE=${namespace}`,
      program,
      ...argv,
    ])
  }
  const [first] = cluster.nodes.keys()
  assert.ok(first)
  for (const [host, address] of cluster.nodes) {
    await asNode(host)
    await createNode(client, host, address)
  }
  const operator = start(first, bin['cilium-operator'], {
    'cluster-pool-ipv4-cidr': podCIDR,
    'cluster-pool-ipv4-mask-size': '26',
  })
  const running = [watched('the operator of Cilium', operator)]
  for (const host of cluster.nodes.keys()) {
    const agent = start(host, bin['cilium-agent'], {
      'lib-dir': dirname(bin.bpf),
      'write-cni-conf-when-ready': conflist,
      'enable-l7-proxy': 'false',
      'enable-envoy-config': 'false',
      'enable-hubble': 'false',
      'enable-health-checking': 'false',
      ...cluster.settings,
    })
    running.push(watched(`the agent of Cilium on ${host.name}`, agent))
  }
  const whileAllRun = <T>(what: string, look: () => Promise<T | undefined>) =>
    eventually(what, () => {
      for (const one of running) one.expectAlive()
      return look()
    })
  const configOf = (host: Host) => host.sh(`cat ${conflist}`).catch(() => undefined)
  for (const host of cluster.nodes.keys()) await whileAllRun(`Cilium is ready on ${host.name}`, () => configOf(host))
  return {
    pod: async (host, name) => {
      const uid = await createPod(client, host, name)
      const { cniVersion, name: of, plugins } = JSON.parse(await host.sh(`cat ${conflist}`)) as Conflist
      const space = await network.bare(name)
      const add = [
        `export CNI_COMMAND=ADD CNI_CONTAINERID=${name} CNI_NETNS=/proc/${space.pid}/ns/net CNI_IFNAME=eth0`,
        `export CNI_PATH=${dirname(bin['cilium-cni'])}`,
        `export 'CNI_ARGS=IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=${name};K8S_POD_UID=${uid}'`,
        `echo '${JSON.stringify({ cniVersion, name: of, ...plugins[0] })}' | ${bin['cilium-cni']}`,
      ].join('\n')
      // As a kubelet, again and again: the first pod waits for the compiler, on a busy machine for longer than the plugin does.
      const said = await whileAllRun(`${name} has a network`, () => host.sh(add).catch(() => undefined))
      const [ip] = (JSON.parse(said) as { readonly ips: readonly { readonly address: string }[] }).ips
      assert.ok(ip)
      const address = ip.address.replace(/\/\d+$/, '')
      await runsAt(client, name, address)
      return { host: space, address }
    },
    stop: async () => {
      for (const relay of relays) relay.close()
    },
  }
}

/** What a node has and a host of tests has not; and settings of the machine that Cilium changes stay in the host. */
async function asNode(host: Host): Promise<void> {
  await host.sh(
    `ip route add default via 172.30.0.1 dev eth0 onlink
    mount -t sysfs sysfs /sys
    mount -t bpf bpf /sys/fs/bpf
    mkdir -p /run/cni
    echo 1 > /run/timer_migration
    mount --bind /run/timer_migration /proc/sys/kernel/timer_migration`,
  )
}

function watched(what: string, child: ChildProcess): { expectAlive(): void } {
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (text) => {
      said = `${said}${text}`.slice(-8_000)
    })
  }
  return {
    expectAlive: () => {
      if (child.exitCode !== null) throw new Error(`${what} ended with ${child.exitCode}, and said: ${said}`)
    },
  }
}
