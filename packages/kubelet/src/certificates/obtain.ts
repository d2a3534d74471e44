import { setTimeout as sleep } from 'node:timers/promises'
import { type CertificateSigningRequest, type Client, certificateSigningRequests } from '@kosmos/kube'
import { generateKeyPair, type KeyPair, privateKeyPem, type ServingCertificate, x509 } from '@kosmos/kube/certificates'
import { nodeIdentities } from '../auth/node-identities.ts'
import { CertificateRefused, NoSigner } from './errors.ts'
import { certificateObjections, type ServingNames } from './names.ts'
import { approvalObjections, kubeletServingSigner, signingRequest } from './signing-request.ts'

export interface ObtainOptions {
  /** The root, with the rights of {@link obtainServingCertificate}. */
  readonly client: Client
  readonly names: ServingNames
  /** Wanted lifetime, at least 600 s; the signer may shorten it. */
  readonly expirationSeconds?: number
  /** How long the signer may take; it is a controller, so normally about a second. */
  readonly signerMs?: number
  readonly signal?: AbortSignal
}

/**
 * A serving certificate for a virtual node from the root's signer `kubernetes.io/kubelet-serving`: requested as the node
 * where we may impersonate it, checked and approved by us, since nobody approves this signer's requests by itself.
 *
 * Throws {@link CertificateRefused} when rights are missing or the request is denied, {@link NoSigner} when nobody signs.
 */
export async function obtainServingCertificate(options: ObtainOptions): Promise<ServingCertificate> {
  const { client, names, signal } = options
  const keys = await generateKeyPair()
  const manifest = await signingRequest(names, keys, options.expirationSeconds)
  const created = await create(client, names.nodeName, manifest, signal)
  await approve(client, created, names, keys, signal)
  const pem = await issued(client, created.metadata.name, options.signerMs ?? 15_000, signal)
  return await accept(pem, names, keys)
}

async function create(client: Client, nodeName: string, manifest: object, signal: AbortSignal | undefined) {
  let why = ''
  // The signer looks at the request only; third-party policies may insist on the node.
  for (const headers of nodeIdentities(nodeName)) {
    const outcome = await client.create(certificateSigningRequests, manifest, { headers, ...(signal && { signal }) })
    if (outcome.ok) return outcome.object
    why = outcome.status.message ?? outcome.reason
    if (outcome.reason !== 'Forbidden') break
  }
  throw new CertificateRefused(
    `${client.name} takes no certificate request for node ${nodeName}: ${why}; ` +
      'Kosmos needs "create" on certificatesigningrequests, or to impersonate the node',
  )
}

async function approve(
  client: Client,
  created: CertificateSigningRequest,
  names: ServingNames,
  keys: KeyPair,
  signal: AbortSignal | undefined,
): Promise<void> {
  const found = await approvalObjections(created, names, keys)
  const { name } = created.metadata
  if (found.length > 0) {
    throw new CertificateRefused(
      `the request ${name} is not what was sent to ${client.name} for node ${names.nodeName}: ${found.join('; ')}`,
    )
  }
  const condition = {
    type: 'Approved',
    status: 'True',
    reason: 'KosmosVirtualNode',
    message: `Serving certificate of the virtual node ${names.nodeName}; its addresses were checked.`,
  }
  const approved = { ...created, status: { ...created.status, conditions: [condition] } }
  const outcome = await client.replace(certificateSigningRequests, approved, {
    subresource: 'approval',
    ...(signal && { signal }),
  })
  if (outcome.ok) return
  // Somebody else was faster, which the certificate will tell.
  if (outcome.reason === 'Conflict') return
  throw new CertificateRefused(
    `${client.name} does not let Kosmos approve ${name}: ${outcome.status.message ?? outcome.reason}; it needs "update" on ` +
      `certificatesigningrequests/approval and "approve" on signers named ${kubeletServingSigner}`,
  )
}

async function issued(client: Client, name: string, signerMs: number, signal: AbortSignal | undefined) {
  const end = performance.now() + signerMs
  for (let pauseMs = 100; ; pauseMs = Math.min(pauseMs * 2, 2_000)) {
    await sleep(pauseMs, undefined, signal && { signal })
    const stored = await client.get(certificateSigningRequests, { name }, signal)
    const { certificate, conditions = [] } = stored?.status ?? {}
    if (certificate) return Buffer.from(certificate, 'base64').toString('utf8')
    const refusal = conditions.find(({ type }) => type === 'Denied' || type === 'Failed')
    if (refusal) {
      throw new CertificateRefused(`${client.name}: ${name}: ${refusal.type}: ${refusal.reason}: ${refusal.message}`)
    }
    if (performance.now() < end) continue
    throw new NoSigner(
      `${client.name} has not signed ${name} within ${signerMs / 1000} s although it is approved: is there a signer for ` +
        `${kubeletServingSigner} (kube-controller-manager with --cluster-signing-cert-file and --cluster-signing-key-file)?`,
    )
  }
}

async function accept(pem: string, names: ServingNames, keys: KeyPair): Promise<ServingCertificate> {
  const certificate = new x509.X509Certificate(x509.PemConverter.decodeFirst(pem))
  const ours = Buffer.from(await crypto.subtle.exportKey('spki', keys.publicKey))
  const found = certificateObjections(certificate, names)
  if (!ours.equals(Buffer.from(certificate.publicKey.rawData))) found.push('its key is not ours')
  if (found.length > 0) throw new CertificateRefused(`the certificate of node ${names.nodeName}: ${found.join('; ')}`)
  const { notBefore, notAfter } = certificate
  return { certificate: pem, key: await privateKeyPem(keys), notBefore, notAfter }
}
