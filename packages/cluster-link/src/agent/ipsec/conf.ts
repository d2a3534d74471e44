import { devices, ipsecRouting } from '../../model/names.ts'
import type { IpsecImplementation } from './implementation.ts'

export interface CharonOptions {
  readonly socket: string
  readonly implementation: IpsecImplementation
}

/** What strongSwan is made of here: keys and ciphers by OpenSSL, sockets, the kernel, and the socket that it is told by. */
const plugins = ['random', 'nonce', 'openssl', 'kdf', 'pem', 'pkcs1', 'pkcs8', 'pubkey', 'socket-default', 'vici']

/** strongswan.conf of the daemon. Nothing of /etc is read, so that a strongSwan of the node is left alone. */
export function charonConf({ socket, implementation }: CharonOptions): string {
  const { port } = devices.ipsec
  // libipsec has to come first: the other one then does no more than addresses and routes.
  const kernel = implementation === 'libipsec' ? ['kernel-libipsec', 'kernel-netlink'] : ['kernel-netlink']
  return [
    'charon-systemd {',
    `  load = ${[...plugins, ...kernel].join(' ')}`,
    // The port without the marker of RFC 3948 is needed by nobody, but one has to be given.
    `  port = ${port + 1}`,
    `  port_nat_t = ${port}`,
    // Our routes are the agent's. Those of libipsec cannot be switched off: into a table that nobody looks into.
    '  install_routes = no',
    '  install_virtual_ip = no',
    '  process_route = no',
    `  routing_table = ${ipsecRouting.table}`,
    `  routing_table_prio = ${ipsecRouting.preference}`,
    // What is within tunnels is no way to their ends.
    `  interfaces_ignore = ${Object.values(devices)
      .map(({ name }) => name)
      .join(', ')}`,
    // A peer that is silent is given up after 7 s and called again, not after the usual 165 s.
    '  retransmit_tries = 3',
    '  retransmit_timeout = 1.0',
    '  retransmit_base = 1.5',
    // As many peers as a cluster has nodes may call at once.
    '  half_open_timeout = 10',
    '  cookie_threshold = 1000',
    '  block_threshold = 100',
    '  ikesa_table_size = 256',
    '  ikesa_table_segments = 16',
    '  filelog {',
    '    stderr {',
    '      default = 0',
    '      flush_line = yes',
    '    }',
    '  }',
    '  plugins {',
    '    vici {',
    `      socket = unix://${socket}`,
    '    }',
    '  }',
    '}',
    '',
  ].join('\n')
}
