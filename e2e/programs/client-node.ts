import { createPublicKey, verify } from 'node:crypto'
import { get } from 'node:https'
import { hostname } from 'node:os'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { CoordinationV1Api, CoreV1Api, KubeConfig, makeInformer, V1MicroTime } from '@kubernetes/client-node'

/**
 * A program as somebody writes it with client-node, who knows nothing of Kosmos: it lists and watches the pods of its namespace and
 * holds a Lease. With `verify TOKEN` it tells who somebody else is instead, by what the API server publishes (OIDC discovery).
 */

const LEASE = 'client-node'

const config = new KubeConfig()
config.loadFromCluster()
const say = (line: string) => process.stdout.write(`${line}\n`)

async function work(): Promise<never> {
  const namespace = config.getContextObject(config.getCurrentContext())?.namespace ?? 'default'
  const core = config.makeApiClient(CoreV1Api)
  const list = () => core.listNamespacedPod({ namespace })
  say(`listed ${(await list()).items.length} pods`)
  const informer = makeInformer(config, `/api/v1/namespaces/${namespace}/pods`, list)
  informer.on('add', ({ metadata }) => say(`saw ${metadata?.name}`))
  informer.on('delete', ({ metadata }) => say(`lost ${metadata?.name}`))
  informer.on('error', (error) => say(`error ${error}`))
  await informer.start()
  const leases = config.makeApiClient(CoordinationV1Api)
  const spec = () => ({ holderIdentity: hostname(), leaseDurationSeconds: 15, renewTime: new V1MicroTime() })
  let held = await leases.createNamespacedLease({ namespace, body: { metadata: { name: LEASE }, spec: spec() } })
  for (;;) {
    await sleep(1_000)
    held = await leases.replaceNamespacedLease({ namespace, name: LEASE, body: { ...held, spec: spec() } })
  }
}

interface Key {
  readonly kid: string
}

/** Prints the claims of a token that the API server has signed; throws otherwise. */
async function tellWho(token: string): Promise<void> {
  const [head = '', body = '', signature = ''] = token.split('.')
  const decoded = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
  const { issuer } = (await read('/.well-known/openid-configuration')) as { readonly issuer: string }
  const { keys } = (await read('/openid/v1/jwks')) as { readonly keys: readonly Key[] }
  const key = keys.find(({ kid }) => kid === decoded(head).kid)
  if (!key) throw new Error(`no key ${decoded(head).kid}`)
  const publicKey = createPublicKey({ key, format: 'jwk' } as Parameters<typeof createPublicKey>[0])
  // As RFC 7518 has it for elliptic curves; RSA has one form only.
  const signed = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const
  const isGenuine = verify('sha256', Buffer.from(`${head}.${body}`), signed, Buffer.from(signature, 'base64url'))
  const claims = decoded(body)
  if (!isGenuine || claims.iss !== issuer) throw new Error('not of this API server')
  say(JSON.stringify(claims))
}

async function read(path: string): Promise<unknown> {
  const options = {}
  await config.applyToHTTPSOptions(options)
  const url = `${config.getCurrentCluster()?.server}${path}`
  const body = await new Promise<string>((resolve, reject) => {
    get(url, options, (response) => text(response).then(resolve, reject)).on('error', reject)
  })
  return JSON.parse(body)
}

const [command, token = ''] = process.argv.slice(2)
await (command === 'verify' ? tellWho(token) : work())
