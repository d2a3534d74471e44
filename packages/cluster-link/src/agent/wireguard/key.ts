import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writePrivate } from '../private-file.ts'

export interface KeyPair {
  /** Base64; never logged, never in a command line. */
  readonly privateKey: string
  readonly publicKey: string
}

/** What precedes the 32 bytes of an X25519 private key in PKCS #8 (RFC 8410). */
const pkcs8Head = Buffer.from('302e020100300506032b656e04220420', 'hex')

/** The node's key pair: from a file of the directory, or a new one that is kept there. */
export async function loadKeyPair(stateDir: string, fileName = 'wireguard.key'): Promise<KeyPair> {
  await mkdir(stateDir, { recursive: true, mode: 0o700 })
  const file = join(stateDir, fileName)
  const kept = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (kept !== undefined) return keyPairOf(kept.trim(), file)
  const { privateKey } = generateKeyPairSync('x25519')
  const text = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(pkcs8Head.length).toString('base64')
  await writePrivate(file, `${text}\n`)
  return keyPairOf(text)
}

/** The public half is computed, so that there is one thing to keep. */
export function keyPairOf(privateKey: string, file = 'the file'): KeyPair {
  const raw = Buffer.from(privateKey, 'base64')
  if (raw.length !== 32) throw new TypeError(`${file} holds no WireGuard key; delete it, and the node gets a new one`)
  const key = createPrivateKey({ key: Buffer.concat([pkcs8Head, raw]), format: 'der', type: 'pkcs8' })
  const der = createPublicKey(key).export({ format: 'der', type: 'spki' })
  return { privateKey, publicKey: der.subarray(-32).toString('base64') }
}
