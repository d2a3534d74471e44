import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writePrivate } from '../private-file.ts'

export interface IpsecKeyPair {
  /** PKCS #8, DER; never logged, never in a command line. */
  readonly privateKey: Buffer
  /** SubjectPublicKeyInfo, DER in base64. */
  readonly publicKey: string
}

/**
 * The node's key pair for IKE: from a file of the directory, or a new one that is kept there. Ed25519, as RFC 8420 has it for
 * IKEv2; without certificates there is no authority to keep and no clock to be wrong.
 */
export async function loadIpsecKey(stateDir: string, fileName = 'ipsec.pem'): Promise<IpsecKeyPair> {
  await mkdir(stateDir, { recursive: true, mode: 0o700 })
  const file = join(stateDir, fileName)
  const kept = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (kept !== undefined) return pairOf(readKey(kept, fileName))
  const { privateKey } = generateKeyPairSync('ed25519')
  await writePrivate(file, `${privateKey.export({ format: 'pem', type: 'pkcs8' })}`)
  return pairOf(privateKey)
}

function readKey(pem: string, fileName: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch {
    throw new TypeError(`${fileName} holds no private key; delete it, and the node gets a new one`)
  }
}

/** The public half is computed, so that there is one thing to keep. */
function pairOf(key: KeyObject): IpsecKeyPair {
  const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' }).toString('base64')
  return { privateKey: key.export({ format: 'der', type: 'pkcs8' }), publicKey }
}
