import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import type { Server } from 'node:net'
import { join } from 'node:path'
import {
  Client,
  Connection,
  createTransport,
  customResourceDefinitions,
  type KubeObject,
  loadKubeConfig,
  nodes,
  resource,
  serviceAccounts,
  unwrap,
} from '@kosmos/kube'
import { type ControlPlane, ensureBinaries, ensurePrograms, silent, startControlPlane } from '@kosmos/testbed'
import { loadAll } from 'js-yaml'
import { eventually, type Host, type Network } from './agent/network.fixture.ts'
import { reachFrom } from './network-policies.fixture.ts'
import { createNode, createPod, runsAt } from './plug-in-cluster.fixture.ts'

const kindOf = (kind: string, plural: string) =>
  resource<KubeObject>('crd.projectcalico.org/v1', kind, plural, 'Cluster')
const ipPools = kindOf('IPPool', 'ippools')
const clusterInformations = kindOf('ClusterInformation', 'clusterinformations')
const felixConfigurations = kindOf('FelixConfiguration', 'felixconfigurations')

/** By which of the two Calico writes its rules. */
export type Backend = 'NFT' | 'Legacy'

/** Felix on a host, which a test may kill and start again. */
export interface Felix {
  /** What it has written about its work so far. */
  log(): string
  stop(): Promise<void>
}

/** A cluster whose network is Calico: the objects that its installation and calico/node make, and no program yet. */
export interface CalicoCluster {
  readonly controlPlane: ControlPlane
  readonly client: Client
  /** Makes a node of a host: from now on it reaches the API server, and has an address for Calico's tunnels. */
  join(host: Host, address: string, pool: string): Promise<void>
  /** Felix, when it says that it is ready. */
  felix(host: Host): Promise<Felix>
  /** An address of a pool, from Calico's IPAM alone. */
  address(host: Host, id: string, pool: string): Promise<string>
  /** A pod, connected by the CNI plug-in; with the address that it got. */
  pod(host: Host, name: string, pool: string): Promise<{ readonly host: Host; readonly address: string }>
  end(): Promise<void>
}

/**
 * An API server with Calico's own kinds and what an installation with VXLAN puts there.
 * @param plan its name, networks of pods, and which of the two kinds of iptables Felix takes
 */
export async function startCalico(
  network: Network,
  plan: { readonly name: string; readonly cidrs: readonly string[]; readonly backend: Backend },
): Promise<CalicoCluster> {
  const { name, cidrs, backend } = plan
  await ensurePrograms(['iptables', 'ipset', 'conntrack', 'curl'], silent)
  const programs = await ensureBinaries(['calico-felix', 'calico', 'calico-crds.yaml'], silent)
  const controlPlane = await startControlPlane({ name })
  const transport = await createTransport(loadKubeConfig({ file: controlPlane.kubeconfig }))
  const client = new Client(new Connection(name, transport), 'kosmos-test')
  for (const definition of loadAll(await readFile(programs['calico-crds.yaml'], 'utf8')) as (KubeObject | null)[]) {
    if (definition) unwrap(await client.apply(customResourceDefinitions, definition))
  }
  /** A kind is served a moment after it is defined. */
  const put = (kind: typeof ipPools, object: string, spec: object) =>
    eventually(`${kind.kind} ${object} is made`, async () => {
      const made = await client.apply(kind, { metadata: { name: object }, spec } as KubeObject)
      return made.ok
    })
  await put(clusterInformations, 'default', { datastoreReady: true, clusterType: 'k8s', calicoVersion: 'v3.28.5' })
  // As short as they may be, so that what it would put right is put right within a test.
  const often = '1s'
  await put(felixConfigurations, 'default', {
    iptablesBackend: backend,
    iptablesRefreshInterval: often,
    iptablesPostWriteCheckInterval: often,
    ipsetsRefreshInterval: often,
    routeRefreshInterval: often,
    vxlanEnabled: true,
    ipv6Support: false,
    bpfEnabled: false,
    xdpEnabled: false,
    logSeverityScreen: 'Info',
  })
  for (const [n, cidr] of cidrs.entries()) {
    const modes = { vxlanMode: 'Always', ipipMode: 'Never', natOutgoing: true }
    await put(ipPools, `pool-${n}`, { cidr, blockSize: 30, ...modes, nodeSelector: 'all()' })
  }
  await client.create(serviceAccounts, { metadata: { namespace: 'default', name: 'default' } })

  const relays: Server[] = []
  const started = new Map<string, Host>()
  const binDir = join(controlPlane.dir, 'cni')
  await mkdir(binDir, { recursive: true })
  for (const alias of ['calico', 'calico-ipam']) await symlink(programs.calico, join(binDir, alias))

  /** Calls the plug-in, or its IPAM alone, as a container runtime does. */
  const cni = async (
    host: Host,
    program: 'calico' | 'calico-ipam',
    { id, pid, args, pool }: { id: string; pid: number; args: string; pool: string },
  ): Promise<string> => {
    const file = `${host.stateDir}.${id}.json`
    const config = {
      cniVersion: '0.3.1',
      name: 'k8s-pod-network',
      type: 'calico',
      datastore_type: 'kubernetes',
      nodename: host.name,
      mtu: 0,
      ipam: { type: 'calico-ipam', ipv4_pools: [pool] },
      policy: { type: 'k8s' },
      kubernetes: { kubeconfig: controlPlane.kubeconfig },
    }
    await writeFile(file, JSON.stringify(config))
    const environment = [
      'CNI_COMMAND=ADD',
      `CNI_CONTAINERID=${id}`,
      `CNI_NETNS=/proc/${pid}/ns/net`,
      'CNI_IFNAME=eth0',
      `CNI_PATH=${binDir}`,
      `CNI_ARGS='${args}'`,
    ]
    const said = await host.sh(
      `${environment.join(' ')} ${join(binDir, program)} < ${file} 2>${file}.log >${file}.out || { tail -n 5 ${file}.log ${file}.out >&2; exit 1; }; cat ${file}.out`,
    )
    const [address] = (JSON.parse(said) as { ips: readonly { address: string }[] }).ips
    return address?.address.split('/')[0] ?? ''
  }

  // Any network but that of the host: the plug-in wants one.
  const addressOf = (host: Host, id: string, pool: string) =>
    cni(host, 'calico-ipam', { id: `${host.name}-${id}`, pid: process.pid, args: '', pool })

  return {
    controlPlane,
    client,
    join: async (host, address, pool) => {
      started.set(host.name, host)
      // As every node has one: without, it answers no pod that asks for the address of its gateway (proxy_arp).
      await host.sh('ip route add default via 172.0.0.1 dev eth0')
      // It keeps notes there, and those of all hosts would be in the same files.
      await host.sh('mount -t tmpfs none /var/lib; mount -t tmpfs none /var/log')
      // As calico/node does when it starts.
      await host.sh(`mkdir /var/lib/calico; echo ${host.name} > /var/lib/calico/nodename`)
      relays.push(await reachFrom(network, host, new URL(controlPlane.server)))
      await createNode(client, host, address, { 'projectcalico.org/IPv4Address': `${address}/6` })
      // What calico/node does with -allocate-tunnel-addrs.
      const tunnel = await addressOf(host, 'vxlan-tunnel-addr', pool)
      const metadata = { annotations: { 'projectcalico.org/IPv4VXLANTunnelAddr': tunnel } }
      unwrap(await client.patch(nodes, { name: host.name }, { metadata }, { type: 'merge' }))
    },
    felix: async (host) => {
      const settings = {
        DATASTORETYPE: 'kubernetes',
        FELIXHOSTNAME: host.name,
        LOGFILEPATH: 'none',
        HEALTHENABLED: 'true',
      }
      const environment = Object.entries(settings).map(([key, value]) => `FELIX_${key}=${value}`)
      const argv = ['env', ...environment, `KUBECONFIG=${controlPlane.kubeconfig}`, programs['calico-felix']]
      const child = network.start(host, argv)
      let said = ''
      for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => (said += text))
      await eventually('Felix is ready', async () => {
        if (child.exitCode !== null) throw new Error(`Felix ended with ${child.exitCode}: ${said.slice(-4_000)}`)
        return host.sh('curl -sf -m 2 http://localhost:9099/readiness; echo yes').catch(() => undefined)
      })
      return { log: () => said, stop: () => stop(child) }
    },
    address: addressOf,
    pod: async (host, podName, pool) => {
      await createPod(client, host, podName)
      const bare = await network.bare(podName)
      const args = `K8S_POD_NAMESPACE=default;K8S_POD_NAME=${podName};K8S_POD_INFRA_CONTAINER_ID=${podName}`
      const address = await cni(host, 'calico', { id: podName, pid: bare.pid, args, pool })
      await runsAt(client, podName, address)
      return { host: bare, address }
    },
    end: async () => {
      for (const relay of relays) relay.close()
      await client.connection.close()
      await controlPlane.stop()
    },
  }
}

async function stop(child: ChildProcess): Promise<void> {
  const closed = once(child, 'close')
  child.kill('SIGTERM')
  await closed
}
