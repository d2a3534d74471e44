import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Platform } from '../../platform/platform.ts'
import { kosmosctlLink } from './seen.ts'

interface SecretList {
  readonly items: readonly { readonly data?: Readonly<Record<string, string>> }[]
}

/** A bundle of everything has public keys, and no private key of a node and nothing of a Secret in any writing. */
export async function bundleHasNoSecret(platform: Platform, folder: string): Promise<void> {
  const file = path.join(folder, 'bundle.tar.gz')
  const { code, stdout } = await kosmosctlLink(platform, 'bundle', '-f', file)
  assert.equal(code, 0, stdout)
  const bundle = gunzipSync(await readFile(file)).toString('latin1')
  const { stdout: clusterNodes } = await platform.kubectl(['get', 'clusternodes', '-o', 'json'])
  const publicKeys = [...clusterNodes.matchAll(/"(?:ipsecP|p)ublicKey": "([^"]+)"/g)].flatMap(([, key]) => key ?? [])
  assert.ok(publicKeys.length > 0 && publicKeys.every((key) => bundle.includes(key)), 'public keys are in it')
  const secrets = [...(await keysOfNodes(platform)), ...(await inSecrets(platform))]
  for (const { where, bytes } of secrets) {
    for (const writing of writingsOf(bytes)) assert.ok(!bundle.includes(writing), `a secret of ${where} is in it`)
  }
}

interface Found {
  readonly where: string
  readonly bytes: Buffer
}

/** The private keys on every node, as its agent has them: the file, and what is in it. */
async function keysOfNodes(platform: Platform): Promise<Found[]> {
  const found: Found[] = []
  for (const leaf of platform.testbed.leaves) {
    const { stdout } = await platform.kubectlIn(leaf, ['get', 'pods', '-n', 'kosmos-link', '-o', 'name'])
    const agents = stdout.split('\n').filter((name) => name.includes('kosmos-link-agent'))
    assert.equal(agents.length, leaf.nodes.length)
    for (const agent of agents) {
      for (const file of ['wireguard.key', 'ipsec.pem']) {
        const command = ['exec', '-n', 'kosmos-link', agent, '--', 'cat', `/var/lib/kosmos/link/${file}`]
        const { code, stdout: text } = await platform.kubectlIn(leaf, command)
        assert.equal(code, 0)
        const where = `${leaf.name} ${agent} ${file}`
        const body = text.replaceAll(/-----.*-----|\s/g, '')
        const key = Buffer.from(body, 'base64')
        assert.ok(key.length >= 32, where)
        // What is before the last 32 bytes of a key of IPsec says only which kind it is.
        for (const bytes of [Buffer.from(body), key, key.subarray(-32)]) found.push({ where, bytes })
      }
    }
  }
  return found
}

/** What the Secrets of the root hold; of kubeconfigs the tokens and private keys as well. */
async function inSecrets(platform: Platform): Promise<Found[]> {
  const { stdout } = await platform.kubectl(['get', 'secrets', '-A', '-o', 'json'])
  const values = (JSON.parse(stdout) as SecretList).items.flatMap(({ data = {} }) =>
    Object.values(data).map((value) => Buffer.from(value, 'base64')),
  )
  const inner = values.flatMap((value) =>
    [...value.toString().matchAll(/"?(?:token|client-key-data)"?:\s*"?([\w.+/=-]{16,})/g)].flatMap(([, text = '']) => [
      Buffer.from(text),
      Buffer.from(text, 'base64'),
    ]),
  )
  assert.ok(inner.length > 0, 'the root has credentials')
  return [...values, ...inner]
    .filter(({ length }) => length >= 16)
    .map((bytes) => ({ where: 'a Secret of the root', bytes }))
}

/** As it is, as hexadecimal digits, and in base64 wherever it begins in what was encoded. */
function writingsOf(bytes: Buffer): string[] {
  const inBase64 = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replaceAll('=', '')
    // The first and the last digit are of its neighbours too.
    return text.slice(before === 0 ? 0 : before + 1, -1)
  })
  const hex = bytes.toString('hex')
  const url = inBase64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'))
  return [bytes.toString('latin1'), hex, hex.toUpperCase(), ...inBase64, ...url]
}
