import { createHash } from 'node:crypto'
import type { LinkIpsecPeer } from '@kosmos/api'
import { devices } from '../../model/names.ts'
import type { IpsecImplementation } from './implementation.ts'
import type { ViciMessage } from './vici-message.ts'

/** A tunnel to one peer as strongSwan knows it. The name tells all of it: another content is another name. */
export interface IpsecConnection {
  readonly name: string
  /** For `load-conn`; undefined for one that strongSwan has and that is nothing but a name to us. */
  readonly config?: ViciMessage
  /** This end sets the tunnel up, and again when it was lost; the other one only when that does not help. */
  readonly isCaller?: boolean
  /** Whether it is known where the peer is. */
  readonly canCall?: boolean
}

/** The only child of each connection. */
export const childName = 'tunnel'
/** Names of ours, should strongSwan have others. */
const namePrefix = 'kosmos-'
export const isOurs = (name: string): boolean => name.startsWith(namePrefix)
/** Policies with this number are for packets of our interface and no others; the kernel's way only. */
export const interfaceId = 4876

/**
 * Key exchange with X25519 or P-256, and AES-GCM with a key of 256 bits throughout (RFC 4106, RFC 5282). Both ends are
 * ours, so there is nothing weaker to agree on.
 */
const ikeProposals = ['aes256gcm16-prfsha384-x25519', 'aes256gcm16-prfsha384-ecp256']
const espProposals = ['aes256gcm16-x25519', 'aes256gcm16-ecp256']

export interface OwnEnd {
  readonly publicKey: string
  readonly implementation: IpsecImplementation
}

export function connectionOf(peer: LinkIpsecPeer, own: OwnEnd): IpsecConnection {
  // One of the two calls, so that they do not meet half-way and have two tunnels; who cannot be called, calls.
  const isCaller = peer.remote !== undefined && peer.localSecure < peer.remoteSecure
  const config = configOf(peer, own, isCaller)
  const digest = createHash('sha256').update(JSON.stringify(config)).digest('hex').slice(0, 12)
  return { name: `${namePrefix}${peer.remoteSecure}-${digest}`, config, isCaller, canCall: peer.remote !== undefined }
}

function configOf(peer: LinkIpsecPeer, { publicKey, implementation }: OwnEnd, isCaller: boolean): ViciMessage {
  const { local, remote, localSecure, remoteSecure } = peer
  const port = `${devices.ipsec.port}`
  return {
    version: '2',
    local_addrs: [local ?? '%any'],
    remote_addrs: [remote ?? '%any'],
    // Always within UDP and by one port of ours: firewalls let it pass, and a strongSwan of the node keeps its own.
    local_port: port,
    remote_port: port,
    encap: 'yes',
    mobike: 'yes',
    proposals: ikeProposals,
    keyingtries: '0',
    dpd_delay: '5s',
    // The keys of IKE live 4 h, those of ESP 1 h, each a little less by chance, so that not all are renewed at once.
    rekey_time: '4h',
    over_time: '24m',
    // Who starts anew says so, and what it had before is forgotten.
    unique: 'no',
    local: { auth: 'pubkey', pubkeys: [pem(publicKey)] },
    remote: { auth: 'pubkey', pubkeys: [pem(peer.publicKey)] },
    children: {
      [childName]: {
        mode: 'tunnel',
        local_ts: [`${localSecure}/32`],
        remote_ts: [`${remoteSecure}/32`],
        esp_proposals: espProposals,
        rekey_time: '1h',
        life_time: '66m',
        start_action: isCaller ? (implementation === 'xfrm' ? 'trap|start' : 'start') : 'none',
        close_action: isCaller ? 'start' : 'none',
        dpd_action: isCaller ? 'restart' : 'clear',
        ...(implementation === 'xfrm' && { if_id_in: `${interfaceId}`, if_id_out: `${interfaceId}` }),
      },
    },
  }
}

/** strongSwan reads keys as PEM. */
function pem(spki: string): string {
  return `-----BEGIN PUBLIC KEY-----\n${spki}\n-----END PUBLIC KEY-----\n`
}
