import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** Of lines of /proc/net/tcp and its like: the state of a socket that waits for connections, or for datagrams. */
const waiting = { tcp: '0A', udp: '07' } as const

/** Ports at which a process of this machine waits for somebody, `tcp 9443`, each once. */
export function listeningPorts(pid: number): string[] {
  const own = new Set(readdirSync(`/proc/${pid}/fd`).flatMap((fd) => inodeOf(`/proc/${pid}/fd/${fd}`)))
  const found = (['tcp', 'udp'] as const).flatMap((protocol) =>
    [protocol, `${protocol}6`].flatMap((table) =>
      readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
        .split('\n')
        .map((line) => line.trim().split(/\s+/))
        .filter(([, , , state, , , , , , inode = '']) => state === waiting[protocol] && own.has(inode))
        .map(([, local = '']) => `${protocol} ${Number.parseInt(local.split(':').at(-1) ?? '', 16)}`),
    ),
  )
  return [...new Set(found)].sort()
}

function inodeOf(fd: string): string[] {
  try {
    const [, inode] = /^socket:\[(\d+)\]$/.exec(readlinkSync(fd)) ?? []
    return inode === undefined ? [] : [inode]
  } catch {
    // Closed meanwhile.
    return []
  }
}
