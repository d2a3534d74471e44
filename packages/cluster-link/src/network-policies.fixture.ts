import { once } from 'node:events'
import { connect, createServer, type Server } from 'node:net'
import { ensureBinaries, ensurePrograms, silent } from '@kosmos/testbed'
import { eventually, type Host, type Network } from './agent/network.fixture.ts'

/**
 * kube-router's NetworkPolicies on a host, by iptables and sets of addresses: a process of its own that watches an API server.
 * @param server where that is reached from this machine, and by the same address from the host
 */
export async function startNetworkPolicies(
  network: Network,
  host: Host,
  cluster: { readonly server: string; readonly kubeconfig: string },
): Promise<{ stop(): void }> {
  await ensurePrograms(['iptables', 'ipset'], silent)
  const { 'kube-router-policies': program } = await ensureBinaries(['kube-router-policies'], silent)
  const relay = await reachFrom(network, host, new URL(cluster.server))
  const options = [`--kubeconfig=${cluster.kubeconfig}`, `--hostname-override=${host.name}`]
  const engine = network.start(host, [program, ...options])
  let said = ''
  engine.stderr?.on('data', (text) => {
    said = `${said}${text}`.slice(-4_000)
  })
  await eventually('kube-router has its chains', async () => {
    if (engine.exitCode !== null) throw new Error(`kube-router ended with ${engine.exitCode}, and said: ${said}`)
    return (await host.sh('iptables -S FORWARD')).includes('KUBE-ROUTER-FORWARD')
  })
  return { stop: () => relay.close() }
}

/** What listens at the first address and port and passes everything on to the socket at a path. */
const relayProgram = `
  const { connect, createServer } = require('node:net')
  const [host, port, path] = process.argv.slice(1)
  const server = createServer((from) => {
    const to = connect(path)
    from.on('error', () => to.destroy()).pipe(to).on('error', () => from.destroy()).pipe(from)
  })
  server.listen(Number(port), host, () => console.log('listening'))`

/** A server of this machine is at its own address in the network of a host: by a socket that is a file, as networks have none in common. */
export async function reachFrom(network: Network, host: Host, { hostname, port }: URL): Promise<Server> {
  const path = `${host.stateDir}.sock`
  const server = createServer((from) => {
    const to = connect(Number(port), hostname)
    from
      .on('error', () => to.destroy())
      .pipe(to)
      .on('error', () => from.destroy())
      .pipe(from)
  })
  await once(server.listen(path), 'listening')
  const inside = network.start(host, [process.execPath, '-e', relayProgram, hostname, port, path])
  await once(inside.stdout ?? inside, 'data')
  return server
}
