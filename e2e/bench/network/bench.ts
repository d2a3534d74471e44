import { setTimeout as sleep } from 'node:timers/promises'
import { devices } from '@kosmos/cluster-link'
import { join, lines } from '@kosmos/kosmosctl'
import { ensurePrograms, enterNode, imageNames, type Progress } from '@kosmos/testbed'
import { linkAgentImage } from '../../platform/link-agent.ts'
import { type Platform, startPlatform } from '../../platform/platform.ts'
import { measurePlan } from './plan.ts'
import { type NetworkResult, networkResult } from './result.ts'
import { type Enter, type Figures, measure, within } from './throughput.ts'

const ROUNDS = 3

/** Measures tunnels between the only nodes of two clusters, and the same by hand, in turn. Needs root. */
export async function benchNetwork(progress: Progress): Promise<NetworkResult> {
  await ensurePrograms(['iperf3', 'ping'], progress)
  const archive = await linkAgentImage(progress)
  progress.step('starting two clusters with a real node each')
  const platform = await startPlatform('bench-network', {
    leaves: 2,
    nodes: 'real:1',
    images: ['busybox'],
    archives: [archive],
    tree: false,
    link: (leaf) => (leaf === 'leaf1' ? { ipFamily: 'ipv4' } : undefined),
  })
  try {
    const joinToPingSeconds = await joinToPing(platform, progress)
    const [client = [], server = []] = platform.testbed.leaves.map(
      ({ name, nodes }): Enter => enterNode(platform.testbed.journal, name, nodes[0] ?? '', ['net']),
    )
    const underlay = (await addressOf(server, 'eth0')) ?? ''
    const sides = { client, server }
    progress.step('measuring VXLAN')
    const plainVxlan = await vxlanByHand(sides, underlay, (await addressOf(client, 'eth0')) ?? '')
    const overVxlan = await inTurn(sides, {
      veth: underlay,
      plain: plainVxlan,
      kosmos: (await addressOf(server, devices.bridge.name)) ?? '',
    })
    progress.step('measuring WireGuard')
    await encrypt(platform)
    const overWireGuard = await inTurn(sides, {
      plain: (await addressOf(server, devices.wireGuard.name)) ?? '',
      kosmos: (await addressOf(server, devices.secure.name)) ?? '',
    })
    progress.step('planning')
    const wireguard = { ...overWireGuard, implementation: await implementation(platform) }
    return networkResult({ vxlan: overVxlan, wireguard, joinToPingSeconds, plan: measurePlan() })
  } finally {
    await platform.down()
  }
}

async function inTurn<Name extends string>(
  { client, server }: { readonly client: Enter; readonly server: Enter },
  targets: Readonly<Record<Name, string>>,
): Promise<Record<Name, Figures>> {
  const names = Object.keys(targets) as Name[]
  const found = new Map<Name, Figures[]>(names.map((name) => [name, []]))
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of names) found.get(name)?.push(await measure(client, server, targets[name]))
  }
  const median = (figures: readonly number[]) => [...figures].sort((a, b) => a - b)[figures.length >> 1] ?? Number.NaN
  return Object.fromEntries(
    [...found].map(([name, figures]) => [
      name,
      {
        gbitPerSecond: median(figures.map(({ gbitPerSecond }) => gbitPerSecond)),
        rttMs: median(figures.map(({ rttMs }) => rttMs)),
      },
    ]),
  ) as Record<Name, Figures>
}

async function addressOf(enter: Enter, device: string): Promise<string | undefined> {
  const [link] = JSON.parse(await within(enter, `ip -json -4 address show dev ${device}`)) as {
    addr_info: { local: string }[]
  }[]
  return link?.addr_info[0]?.local
}

/** The kernel's own VXLAN between the same two, with one peer and no rule of ours. @returns the server's address on it */
async function vxlanByHand(
  { client, server }: { readonly client: Enter; readonly server: Enter },
  serverAddress: string,
  clientAddress: string,
): Promise<string> {
  const script = (local: string, remote: string, own: string) =>
    `ip link add plain type vxlan id 99 dstport 4999 local ${local} remote ${remote}
     ip address add ${own}/30 dev plain; ip link set plain mtu 1450 up`
  await within(client, script(clientAddress, serverAddress, '198.51.100.1'))
  await within(server, script(serverAddress, clientAddress, '198.51.100.2'))
  return '198.51.100.2'
}

async function joinToPing(platform: Platform, progress: Progress): Promise<number> {
  const [first, second] = platform.testbed.leaves
  if (first === undefined || second === undefined) throw new Error('two clusters are needed')
  const addresses = []
  for (const cluster of [first, second]) {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'bench', namespace: 'default' },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [{ name: 'main', image: imageNames.busybox, command: ['sleep', '86400'] }],
      },
    }
    await platform.kubectlIn(cluster, ['apply', '-f', '-'], JSON.stringify(pod))
    await platform.kubectlIn(cluster, ['wait', '--for=condition=Ready', 'pod/bench', '--timeout=120s'])
    addresses.push(
      (await platform.kubectlIn(cluster, ['get', 'pod', 'bench', '-o', 'jsonpath={.status.podIP}'])).stdout,
    )
  }
  progress.step('from join to the first ping')
  const started = performance.now()
  const silently = lines(() => undefined)
  const root = { file: platform.testbed.root.kubeconfig }
  await join(
    { name: second.name, root, leaf: { file: second.kubeconfig }, tree: false, link: { ipFamily: 'ipv4' } },
    silently,
  )
  const ping = ['exec', 'bench', '--', 'ping', '-c', '1', '-W', '1', addresses[1] ?? '']
  const deadline = Date.now() + 120_000
  while ((await platform.kubectlIn(first, ping)).code !== 0) {
    if (Date.now() > deadline) throw new Error('no pod of the second cluster answered within two minutes')
    await sleep(50)
  }
  return (performance.now() - started) / 1000
}

async function encrypt(platform: Platform): Promise<void> {
  const patch = JSON.stringify({ spec: { clusterLinkOptions: { tunnel: 'wireguard' } } })
  for (const { name } of platform.testbed.leaves)
    await platform.kubectl(['patch', 'cluster', name, '--type=merge', '-p', patch])
  const deadline = Date.now() + 120_000
  for (;;) {
    const said = await Promise.all(
      platform.testbed.leaves.map((leaf) => platform.kubectlIn(leaf, ['get', 'nodeconfigs', '-o', 'json'])),
    )
    const isDone = said.every(({ stdout }) => {
      const { items } = JSON.parse(stdout) as {
        items: {
          metadata: { generation: number }
          spec: object
          status?: { observedGeneration?: number; conditions?: { status: string }[] }
        }[]
      }
      return items.every(
        ({ metadata, spec, status }) =>
          JSON.stringify(spec).includes(devices.secure.name) &&
          status?.observedGeneration === metadata.generation &&
          status.conditions?.every((one) => one.status === 'True'),
      )
    })
    if (isDone) return
    if (Date.now() > deadline) throw new Error('the tunnels were not encrypted within two minutes')
    await sleep(200)
  }
}

async function implementation(platform: Platform): Promise<string> {
  const [leaf] = platform.testbed.leaves
  if (leaf === undefined) return ''
  const path = 'jsonpath={.items[0].status.wireGuard.implementation}'
  return (await platform.kubectlIn(leaf, ['get', 'nodeconfigs', '-o', path])).stdout
}
