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
/** Whether two names are of tunnels to one peer, made by other keys or otherwise. */
export const isToSamePeer = (a: string, b: string): boolean => peerOf(a) === peerOf(b)
const peerOf = (name: string): string => name.slice(0, name.lastIndexOf('-'))
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

/**
 * The tunnel to a peer, and, until it has gone over to another key, one by that key, which the peer sets up when it has.
 * An identity is a key, so one connection cannot be for both.
 */
export function connectionsOf(peer: LinkIpsecPeer, own: OwnEnd): IpsecConnection[] {
  const canCall = peer.remote !== undefined
  // One of the two calls, so that they do not meet half-way and have two tunnels; who cannot be called, calls.
  const isCaller = canCall && peer.localSecure < peer.remoteSecure
  return [
    connection(peer.publicKey, { isCaller, canCall }),
    ...(peer.nextPublicKey === undefined ? [] : [connection(peer.nextPublicKey, { isCaller: false, canCall: false })]),
  ]

  function connection(publicKey: string, part: { readonly isCaller: boolean; readonly canCall: boolean }) {
    const config = configOf({ ...peer, publicKey }, own, part.isCaller)
    const digest = createHash('sha256').update(JSON.stringify(config)).digest('hex').slice(0, 12)
    return { name: `${namePrefix}${peer.remoteSecure}-${digest}`, config, ...part }
  }
}

function configOf(peer: LinkIpsecPeer, { publicKey, implementation }: OwnEnd, isCaller: boolean): ViciMessage {
  const { local, remote, remotePort = devices.ipsec.port, localSecure, remoteSecure } = peer
  return {
    version: '2',
    local_addrs: [local ?? '%any'],
    // The first one is called. The peer may call from another: there may be a NAT in between; its key tells who it is.
    remote_addrs: [...(remote === undefined ? [] : [remote]), '%any'],
    // Always within UDP and by one port of ours: firewalls let it pass, and a strongSwan of the node keeps its own.
    local_port: `${devices.ipsec.port}`,
    remote_port: `${remotePort}`,
    encap: 'yes',
    // With MOBIKE (RFC 4555), strongSwan goes by what a peer says of its address, and a NAT may give another one unnoticed.
    mobike: 'no',
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
