import type { NodeConfigSpec } from '@kosmos/api'
import { devices } from '../../model/names.ts'
import { counterSetsOf } from '../firewall/counting.ts'
import { tableName } from '../firewall/syntax.ts'
import { listAssociations } from '../ipsec/charon.ts'
import type { Shell } from '../shell/shell.ts'
import type { Figures, Source } from './figures.ts'
import { parseAssociations } from './parse-associations.ts'
import { parseDevices } from './parse-devices.ts'
import { parseFirewall } from './parse-firewall.ts'
import { type PeerFigures, parsePeers } from './parse-peers.ts'

export interface Node {
  readonly shell: Shell
  readonly stateDir: string
}

const noPeers: PeerFigures = { tunnels: [], handshakes: [] }

/** Reads what the tunnels of a NodeConfig have counted. A source that cannot be read costs its own figures only. */
export async function readFigures({ shell, stateDir }: Node, spec: NodeConfigSpec): Promise<Figures> {
  const read = new Map<Source, boolean>()
  const from = async <T>(source: Source, isThere: boolean, none: T, look: () => Promise<T>): Promise<T> => {
    if (!isThere) return none
    try {
      const found = await look()
      read.set(source, true)
      return found
    } catch {
      read.set(source, false)
      return none
    }
  }
  const { peers = [], ipsecPeers = [], devices: links = [] } = spec
  const sets = counterSetsOf(spec)
  const [found, firewall, wireGuard, ipsec] = await Promise.all([
    from('devices', links.length > 0, [], async () =>
      parseDevices(JSON.parse(await shell.run(['ip', '-json', '-s', 'link', 'show']))),
    ),
    from('firewall', sets.length > 0, { tunnels: [], drops: new Map() }, async () =>
      parseFirewall(JSON.parse(await shell.run(['nft', '-j', 'list', 'table', 'inet', tableName])), sets),
    ),
    from('wireguard', peers.length > 0, noPeers, async () =>
      parsePeers(await shell.run(['wg', 'show', 'all', 'dump']), peers),
    ),
    from('ipsec', ipsecPeers.length > 0, noPeers, async () =>
      parseAssociations(await listAssociations(stateDir), devices.ipsec.name, Date.now() / 1000),
    ),
  ])
  return {
    devices: found,
    tunnels: [...firewall.tunnels, ...wireGuard.tunnels, ...ipsec.tunnels],
    handshakes: [...wireGuard.handshakes, ...ipsec.handshakes],
    drops: firewall.drops,
    read,
  }
}
