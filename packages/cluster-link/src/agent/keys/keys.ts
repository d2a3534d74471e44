import { readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { LinkKeys, NodeConfigStatus } from '@kosmos/api'
import { type IpsecKeyPair, loadIpsecKey } from '../ipsec/key.ts'
import { writePrivate } from '../private-file.ts'
import { type KeyPair, loadKeyPair } from '../wireguard/key.ts'

/** All key pairs of a node. */
export interface Keys {
  readonly wireGuard: KeyPair
  readonly ipsec: IpsecKeyPair
}

export type KeysStatus = NonNullable<NodeConfigStatus['keys']>

/** Which keys they are; those that the node goes over to lie beside the present ones until then. */
const files = {
  present: { about: 'keys.json', wireGuard: 'wireguard.key', ipsec: 'ipsec.pem' },
  next: { about: 'keys.next.json', wireGuard: 'wireguard.next.key', ipsec: 'ipsec.next.pem' },
} as const

/** The keys of the node as they are now; made if there are none. */
export async function loadKeys(stateDir: string): Promise<Keys> {
  const { wireGuard, ipsec } = files.present
  return { wireGuard: await loadKeyPair(stateDir, wireGuard), ipsec: await loadIpsecKey(stateDir, ipsec) }
}

/**
 * Makes the keys that are asked for, and goes over to them when they are to be used. The same again changes nothing, and
 * what was interrupted is brought to an end.
 */
export async function followKeys(stateDir: string, asked: LinkKeys | undefined): Promise<KeysStatus> {
  const present = await requestedAt(stateDir, files.present.about)
  const next = await requestedAt(stateDir, files.next.about)
  const isGoingOver = next !== undefined && !(await hasNext(stateDir))
  if (isGoingOver) return await goOver(stateDir, next)
  if (asked === undefined || asked.requestedAt === present) {
    if (next !== undefined) await forgetNext(stateDir)
    return present === undefined ? {} : { requestedAt: present }
  }
  if (next !== asked.requestedAt) await makeNext(stateDir, asked.requestedAt)
  const { wireGuard, ipsec } = await loadNext(stateDir)
  if (asked.use === wireGuard.publicKey) return await goOver(stateDir, asked.requestedAt)
  const announced = { requestedAt: asked.requestedAt, wireGuard: wireGuard.publicKey, ipsec: ipsec.publicKey }
  return { ...(present !== undefined && { requestedAt: present }), next: announced }
}

async function loadNext(stateDir: string): Promise<Keys> {
  const { wireGuard, ipsec } = files.next
  return { wireGuard: await loadKeyPair(stateDir, wireGuard), ipsec: await loadIpsecKey(stateDir, ipsec) }
}

/** The file about them comes last: with it they are all there. */
async function makeNext(stateDir: string, requested: string): Promise<void> {
  await forgetNext(stateDir)
  await loadNext(stateDir)
  await writePrivate(join(stateDir, files.next.about), JSON.stringify({ requestedAt: requested }))
}

async function forgetNext(stateDir: string): Promise<void> {
  const { about, wireGuard, ipsec } = files.next
  for (const file of [about, wireGuard, ipsec]) await rm(join(stateDir, file), { force: true })
}

/** One by one, the file about them last: where a part has gone over, the rest follows whatever comes in between. */
async function goOver(stateDir: string, requested: string): Promise<KeysStatus> {
  for (const part of ['wireGuard', 'ipsec', 'about'] as const) {
    await rename(join(stateDir, files.next[part]), join(stateDir, files.present[part])).catch(unlessGone)
  }
  return { requestedAt: requested }
}

async function hasNext(stateDir: string): Promise<boolean> {
  const { wireGuard, ipsec } = files.next
  const [first, second] = await Promise.all([wireGuard, ipsec].map((file) => readIfThere(join(stateDir, file))))
  return first !== undefined && second !== undefined
}

async function requestedAt(stateDir: string, file: string): Promise<string | undefined> {
  const text = await readIfThere(join(stateDir, file))
  return text === undefined ? undefined : (JSON.parse(text) as { requestedAt: string }).requestedAt
}

async function readIfThere(file: string): Promise<string | undefined> {
  return await readFile(file, 'utf8').catch(unlessGone)
}

function unlessGone(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
