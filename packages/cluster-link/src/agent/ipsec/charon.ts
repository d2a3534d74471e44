import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { devices, ipsecRouting } from '../../model/names.ts'
import { linkAlias } from '../kernel/state.ts'
import { holderOf, isBound } from '../ports/holder.ts'
import { PortTaken } from '../ports/taken.ts'
import { writePrivate } from '../private-file.ts'
import type { Shell } from '../shell/shell.ts'
import { createCalls, endTunnels, replacedTunnels } from './calls.ts'
import { charonConf } from './conf.ts'
import { type IpsecConnection, isOurs } from './connection.ts'
import type { IpsecImplementation } from './implementation.ts'
import type { IpsecKeyPair } from './key.ts'
import { removeLeftovers } from './leftovers.ts'
import { askVici, isAbsent } from './vici.ts'
import type { ViciMessage } from './vici-message.ts'

/** strongSwan's daemon for this node. */
export interface Charon {
  /** Starts it, unless it runs, and waits until it listens and its device is there. */
  start(implementation: IpsecImplementation): Promise<void>
  /** Makes its connections be these; those that stay keep their keys and their traffic. */
  configure(connections: readonly IpsecConnection[], implementation: IpsecImplementation): Promise<void>
  /** Sees to it, in the background, that they have tunnels. */
  keepUp(connections: readonly IpsecConnection[]): void
  /** Ends it, and takes the device and whatever else there is of it. */
  remove(): Promise<void>
}

/** Of Debian's packages, the one that stays in the foreground and has no pid file in /run that others share. */
const program = 'charon-systemd'
const startTimeoutMs = 10_000
const stopTimeoutMs = 5_000
/** One that was killed has its sockets until its last thread has ended. */
const portTimeoutMs = 2_000

const forgetRules = [4, 6]
  .map(
    (family) =>
      `while ip -${family} rule delete pref ${ipsecRouting.preference} lookup ${ipsecRouting.table}; do :; done`,
  )
  .concat('true')
  .join(' 2>/dev/null\n')

const folderOf = (stateDir: string) => join(stateDir, 'ipsec')
const socketOf = (stateDir: string) => join(folderOf(stateDir), 'vici')

/** Names of the connections of ours that it has; none when it does not run. */
export async function readConnections(stateDir: string): Promise<string[]> {
  try {
    const [[known] = []] = await askVici(socketOf(stateDir), [{ command: 'get-conns' }])
    return [known?.conns ?? []].flat().map(String).filter(isOurs).sort()
  } catch (error) {
    if (isAbsent(error)) return []
    throw error
  }
}

/** Its associations, those that are not ours among them; none when it does not run. */
export async function listAssociations(stateDir: string): Promise<readonly ViciMessage[]> {
  try {
    const [sas = []] = await askVici(socketOf(stateDir), [{ command: 'list-sas', stream: 'list-sa' }])
    return sas
  } catch (error) {
    if (isAbsent(error)) return []
    throw error
  }
}

export function createCharon(shell: Shell, stateDir: string, loadKey: () => Promise<IpsecKeyPair>): Charon {
  const folder = folderOf(stateDir)
  const socket = socketOf(stateDir)
  const [conf, pidFile, logFile] = ['strongswan.conf', 'charon.pid', 'charon.log'].map((name) =>
    join(folder, name),
  ) as [string, string, string]

  const calls = createCalls(socket)

  /** Runs a script about its process, `$pid`, if that is really it: numbers are given again. */
  const ofProcess = (script: string) =>
    shell.run([
      'sh',
      '-c',
      `pid=$(cat "$1" 2>/dev/null) && tr '\\0' '\\n' 2>/dev/null <"/proc/$pid/environ" | grep -qxF "STRONGSWAN_CONF=$2" || exit 0; ${script}`,
      'sh',
      pidFile,
      conf,
    ])
  const isThere = async () => (await ofProcess('echo yes')) !== ''
  const end = async () => {
    calls.end()
    await ofProcess('kill -TERM $pid || true')
    const deadline = performance.now() + stopTimeoutMs
    while (await isThere()) {
      if (performance.now() > deadline) await ofProcess('kill -KILL $pid || true')
      await sleep(20)
    }
    // It takes its rules with it, unless it was killed.
    await shell.run(['sh', '-c', forgetRules])
  }
  /** The TUN device that it has; empty: none, or one that was deleted. */
  const tunDevice = async () => (await ofProcess(`sed -n 's/^iff:[[:space:]]*//p' /proc/$pid/fdinfo/* || true`)).trim()

  /** Whether there is a device of ours. */
  const hasDevice = async () =>
    (await shell.run(['sh', '-c', `ip -o link show dev ${devices.ipsec.name} 2>/dev/null || true`])).includes(
      `alias ${linkAlias}`,
    )

  /** strongSwan says nothing of a port that it does not get, and hears nobody. */
  const awaitPort = async () => {
    const { name, port } = devices.ipsec
    const deadline = performance.now() + portTimeoutMs
    while (await isBound(shell, port)) {
      if (performance.now() > deadline) throw new PortTaken(name, port, await holderOf(shell, name, port))
      await sleep(50)
    }
  }

  const launch = async (implementation: IpsecImplementation) => {
    await awaitPort()
    if (implementation === 'xfrm') await removeLeftovers(shell)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await rm(socket, { force: true })
    await writePrivate(conf, charonConf({ socket, implementation }))
    // In a session of its own: it goes on when the agent is restarted.
    const script = 'echo $$ >"$0" && exec "$@"'
    await shell.detach(['sh', '-c', script, pidFile, program], { STRONGSWAN_CONF: conf }, logFile)
    const deadline = performance.now() + startTimeoutMs
    while (!(await isListening(socket))) {
      if (performance.now() > deadline) throw new Error(`${program} does not listen; ${logFile} says why`)
      await sleep(20)
    }
  }
  const start = async (implementation: IpsecImplementation) => {
    if (!(await isListening(socket))) await end().then(() => launch(implementation))
    if (implementation === 'xfrm') return
    if ((await tunDevice()) === '') await end().then(() => launch(implementation))
    const given = await tunDevice()
    const { name } = devices.ipsec
    if (given !== name) throw new Error(`strongSwan has ${given}: ${name} is another program's; end that one`)
  }

  return {
    start,
    remove: async () => {
      await end()
      // The one in user space went with it.
      if (!(await hasDevice())) return
      await shell.run(['ip', 'link', 'delete', 'dev', devices.ipsec.name])
      await removeLeftovers(shell)
    },
    keepUp: calls.begin,
    configure: async (connections, implementation) => {
      await start(implementation)
      const there = new Set(await readConnections(stateDir))
      const wanted = new Set(connections.map(({ name }) => name))
      const added = connections.filter(({ name, config }) => config !== undefined && !there.has(name))
      // The key may be another one than it has: that of a connection that is not there yet.
      const { privateKey } = await loadKey()
      await askVici(socket, [
        { command: 'load-key', message: { type: 'any', data: privateKey } },
        ...[...there.difference(wanted)].map((name) => ({ command: 'unload-conn', message: { name } })),
        ...added.map(({ name, config = {} }) => ({ command: 'load-conn', message: { [name]: config } })),
      ])
      await forgetOtherKeys(socket, privateKey)
      const [sas = []] = await askVici(socket, [{ command: 'list-sas', stream: 'list-sa' }])
      await endTunnels(socket, replacedTunnels(connections, sas))
    },
  }
}

/** strongSwan keeps what it has loaded; a key that was changed is not to be in its memory. */
async function forgetOtherKeys(socket: string, privateKey: Buffer): Promise<void> {
  const [[loaded] = [], [known] = []] = await askVici(socket, [
    { command: 'load-key', message: { type: 'any', data: privateKey } },
    { command: 'get-keys' },
  ])
  const others = [known?.keys ?? []].flat().filter((id) => id !== loaded?.id)
  await askVici(
    socket,
    others.map((id) => ({ command: 'unload-key', message: { id } })),
  )
}

async function isListening(socket: string): Promise<boolean> {
  try {
    await askVici(socket, [{ command: 'version' }])
    return true
  } catch (error) {
    if (isAbsent(error)) return false
    throw error
  }
}
