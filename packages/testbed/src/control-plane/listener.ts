import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import path from 'node:path'

/** A process of this machine. */
export interface Listener {
  readonly pid: number
  /** The file name of its program. */
  readonly name: string
}

/** State of a listening socket, include/net/tcp_states.h. */
const LISTEN = '0A'

/** Who listens on a TCP port, on whatever address; undefined: nobody, or somebody whose sockets only root may see. */
export function listenerOn(port: number): Listener | undefined {
  const sockets = new Set(
    ['tcp', 'tcp6'].flatMap((family) => listening(family, port)).map((inode) => `socket:[${inode}]`),
  )
  if (sockets.size === 0) return undefined
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const name = orNothing(() => {
      const files = readdirSync(`/proc/${pid}/fd`)
      const holds = files.some((file) => sockets.has(orNothing(() => readlinkSync(`/proc/${pid}/fd/${file}`)) ?? ''))
      return holds ? path.basename(readlinkSync(`/proc/${pid}/exe`)) : undefined
    })
    if (name !== undefined) return { pid: Number(pid), name }
  }
  return undefined
}

/** Inodes of the sockets that listen on a port, by /proc/net/tcp (Documentation/networking/proc_net_tcp.rst). */
function listening(family: string, port: number): string[] {
  const [, ...lines] = (orNothing(() => readFileSync(`/proc/net/${family}`, 'utf8')) ?? '').trimEnd().split('\n')
  return lines.flatMap((line) => {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/)
    return state === LISTEN && Number.parseInt(local.split(':')[1] ?? '', 16) === port ? [inode] : []
  })
}

/** Processes end while they are looked at, and those of others are hidden. */
function orNothing<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch {
    return undefined
  }
}
