import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ensurePrograms, makeScratch, silent } from '@kosmos/testbed'
import { removeEverything } from './remove.ts'
import { createShell, type Shell } from './shell/shell.ts'

/** A host of a test: a network namespace with a /run of its own, since that is where wireguard-go has its socket. */
export interface Host {
  readonly name: string
  readonly pid: number
  /** Runs commands in the host. */
  readonly prefix: readonly string[]
  readonly shell: Shell
  readonly stateDir: string
  /** Shorthand for commands of few words. */
  sh(script: string): Promise<string>
}

export interface Network {
  readonly hosts: ReadonlyMap<string, Host>
  /** A pod of a host, behind a veth as CNIs make it, with an address of each family given. */
  pod(host: Host, name: string, addresses: readonly string[]): Promise<Host>
  /** A pod without a network, which a plug-in makes. */
  bare(name: string): Promise<Host>
  /** Another process of this test that ends with it. */
  start(host: Host, argv: readonly string[], options?: { readonly cwd?: string }): ChildProcess
  end(): Promise<void>
}

/** Why tests of the kernel cannot run here; false: they can. */
export const unlessRoot = process.getuid?.() === 0 ? false : 'only root may make network namespaces'

/**
 * Hosts on one switch. Each has eth0 with the addresses given, forwards, and is gone with the test.
 * @param plan addresses with their prefix length by host
 */
export async function startNetwork(plan: Readonly<Record<string, readonly string[]>>): Promise<Network> {
  await ensurePrograms(['ip', 'nft', 'iptables', 'fping', 'wg', 'wireguard-go', 'tcpdump', 'ping'], silent)
  await ensurePrograms(['charon', 'charon-openssl', 'charon-libipsec'], silent)
  const children: ChildProcess[] = []
  /** Of those, the ones that network namespaces last as long as. */
  const holders = new Set<ChildProcess>()
  const scratch = makeScratch('kosmos-link-')
  // wireguard-go and strongSwan end with a test that is killed, although they are in sessions of their own.
  const marked = ['env', scratch.mark]
  const start = (prefix: readonly string[], argv: readonly string[], options = {}) => {
    const [program = '', ...args] = [...prefix, 'setpriv', '--pdeathsig', 'KILL', ...argv]
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
    children.push(child)
    return child
  }
  const namespace = async (name: string): Promise<Host> => {
    const script = 'mount -t tmpfs none /run && ip link set lo up && echo up && exec sleep infinity'
    const child = start([...marked, 'unshare', '--net', '--mount'], ['sh', '-c', script])
    holders.add(child)
    await new Promise((resolve, reject) => {
      child.stdout?.once('data', resolve)
      child.stderr?.once('data', (text) => reject(new Error(`${text}`)))
    })
    const pid = child.pid ?? 0
    const prefix = ['nsenter', `--target=${pid}`, '--net', '--mount', '--', ...marked]
    const shell = createShell(prefix)
    return {
      name,
      pid,
      prefix,
      shell,
      stateDir: join(scratch.dir, name),
      sh: (script) => shell.run(['sh', '-ec', script]),
    }
  }
  const hosts = new Map<string, Host>()
  const end = async () => {
    try {
      // wireguard-go and strongSwan outlive whoever started them, and an agent would start them again.
      await kill(children.filter((child) => !holders.has(child)))
      await Promise.all([...hosts.values()].map((host) => removeEverything(host.shell, host.stateDir)))
    } finally {
      await kill(children)
      await scratch.remove()
    }
  }
  try {
    const wire = await namespace('switch')
    await wire.sh('ip link add br0 type bridge; ip link set br0 up')
    for (const [name, addresses] of Object.entries(plan)) {
      const host = await namespace(name)
      await wire.sh(
        `ip link add name ${name} type veth peer name eth0 netns ${host.pid}; ip link set dev ${name} master br0 up`,
      )
      await host.sh(
        [
          'sysctl -qw net/ipv4/ip_forward=1 net/ipv6/conf/all/forwarding=1',
          // Strict, as some distributions have it; for all interfaces there are and will be.
          'for conf in all default eth0; do sysctl -qw net/ipv4/conf/$conf/rp_filter=1; done',
          ...addresses.map((address) => `ip address add ${address} dev eth0${address.includes(':') ? ' nodad' : ''}`),
          'ip link set eth0 up',
        ].join('\n'),
      )
      hosts.set(name, host)
    }
  } catch (error) {
    await end()
    throw error
  }
  return {
    hosts,
    pod: async (host, name, addresses) => {
      const pod = await namespace(name)
      await host.sh(
        `ip link add name ${name} type veth peer name eth0 netns ${pod.pid}
        ip link set dev ${name} up
        ip address add 169.254.1.1/32 dev ${name}
        ip address add fe80::1/64 dev ${name} nodad`,
      )
      const width = (address: string) => (address.includes(':') ? 128 : 32)
      await pod.sh(
        `ip link set eth0 up
        ${addresses.map((address) => `ip address add ${address}/${width(address)} dev eth0${width(address) === 128 ? ' nodad' : ''}`).join('\n')}
        ip route add default via 169.254.1.1 dev eth0 onlink
        ip -6 route add default via fe80::1 dev eth0 onlink`,
      )
      await host.sh(addresses.map((address) => `ip route add ${address} dev ${name}`).join('\n'))
      return pod
    },
    bare: namespace,
    start: (host, argv, options) => start(host.prefix, argv, options),
    end,
  }
}

/** The host of that name; a test that asks for another is wrong. */
export function hostOf({ hosts }: Network, name: string): Host {
  const host = hosts.get(name)
  if (!host) throw new Error(`the test has no host ${name}`)
  return host
}

/** Waits until `look` holds; the time only bounds a test that would never end. */
export async function eventually<T>(what: string, look: () => Promise<T | false | undefined>): Promise<T> {
  const deadline = Date.now() + 180_000
  for (;;) {
    const seen = await look()
    if (seen) return seen
    if (Date.now() > deadline) throw new Error(`never: ${what}`)
    await sleep(20)
  }
}

async function kill(children: readonly ChildProcess[]): Promise<void> {
  for (const child of children) child.kill('SIGKILL')
  await Promise.all(children.map(async (child) => child.exitCode ?? child.signalCode ?? (await ended(child))))
}

function ended(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve) => child.once('close', resolve))
}

/** What tcpdump sees in a host while something is done; without times, in whose digits anything may be found. */
export async function sniff(
  network: Network,
  host: Host,
  filter: readonly string[],
  work: () => Promise<unknown>,
): Promise<string> {
  const child = network.start(host, ['tcpdump', '-t', '-nn', '-l', '-U', ...filter])
  let seen = ''
  child.stdout?.on('data', (chunk) => {
    seen += chunk
  })
  let said = ''
  child.stderr?.on('data', (chunk) => {
    said += chunk
  })
  await eventually('tcpdump listens', async () => said.includes('listening on'))
  await work()
  // What nobody waited for is on its way still.
  await sleep(300)
  /** It says itself how many it has told of, which it does when it gets to run. */
  const told = async () => {
    said = ''
    child.kill('SIGUSR1')
    return await eventually('tcpdump says how far it is', async () => /\d+ packets? captured/.exec(said)?.[0])
  }
  await eventually('tcpdump has told all', async () => {
    const before = await told()
    await sleep(50)
    return (await told()) === before
  })
  const closed = ended(child)
  child.kill('SIGKILL')
  await closed
  return seen
}
