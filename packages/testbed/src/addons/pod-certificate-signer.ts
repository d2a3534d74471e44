import { type Client, Informer, type PodCertificateRequest, podCertificateRequests } from '@kosmos/kube'
import type { Authority } from '../pki/authority.ts'

export interface PodCertificateSignerOptions {
  readonly client: Client
  readonly signerName: string
  readonly authority: Authority
  /** Why a request is denied; undefined: it is not. */
  readonly deny?: (request: PodCertificateRequest) => string | undefined
}

export interface PodCertificateSigner {
  stop(): Promise<void>
}

/** What `kubernetes.io` has no signer for: issues each pod the certificate that it asks for, with its service account as common name. */
export function startPodCertificateSigner(options: PodCertificateSignerOptions): PodCertificateSigner {
  const { client, signerName } = options
  const stop = new AbortController()
  const fieldSelector = `spec.signerName=${signerName}`
  const requests = new Informer<PodCertificateRequest>({ client, resource: podCertificateRequests, fieldSelector })
  const answers: Promise<unknown>[] = []
  requests.subscribe(({ type, object }) => {
    if (type !== 'deleted' && !object.status?.conditions?.length) answers.push(answer(object, options))
  })
  const running = requests.run(stop.signal)
  return {
    stop: async () => {
      stop.abort()
      await Promise.all([running, ...answers])
    },
  }
}

async function answer(request: PodCertificateRequest, { client, authority, deny }: PodCertificateSignerOptions) {
  const { namespace, name, resourceVersion } = request.metadata
  const denied = deny?.(request)
  const status = denied === undefined ? await issue(request, authority) : conditions('Denied', denied)
  const patch = { metadata: { resourceVersion }, status }
  await client.patch(podCertificateRequests, { namespace, name }, patch, { type: 'merge', subresource: 'status' })
}

async function issue({ metadata, spec }: PodCertificateRequest, authority: Authority) {
  // Certificates count in seconds.
  const now = Math.floor(Date.now() / 1000) * 1000
  const seconds = spec.maxExpirationSeconds ?? 86_400
  const validity = { notBefore: new Date(now), notAfter: new Date(now + seconds * 1000) }
  const commonName = `${metadata.namespace}/${spec.serviceAccountName}`
  const leaf = await authority.sign(spec.stubPKCS10Request ?? '', { commonName, ...validity })
  return {
    ...conditions('Issued', 'it was asked for'),
    certificateChain: `what a signer has to say\n${leaf}${authority.certificate}`,
    notBefore: validity.notBefore.toISOString(),
    beginRefreshAt: new Date(now + seconds * 500).toISOString(),
    notAfter: validity.notAfter.toISOString(),
  }
}

function conditions(type: string, message: string) {
  const lastTransitionTime = new Date().toISOString()
  return { conditions: [{ type, status: 'True', reason: 'TestSigner', message, lastTransitionTime }] }
}
