import type { PodCertificateRequest } from '@kosmos/kube'
import { certificatesOf, pemOf } from '../trust/pem.ts'

/** A private key with the certificates for it, as a signer of the root issued them. */
export interface IssuedCertificate {
  /** PEM, PKCS #8. */
  readonly privateKey: string
  /** PEM. */
  readonly chain: string
  /** Milliseconds since the epoch. */
  readonly renewAt: number
}

/** How far this process has got with one certificate of one pod. The key is nowhere else before it is delivered. */
export type Credential =
  | {
      readonly kind: 'asked'
      readonly rootUid: string
      readonly request: string
      readonly privateKey: string
      readonly askedAt: number
    }
  | ({ readonly kind: 'issued'; readonly rootUid: string } & IssuedCertificate)
  /** Until the watch shows it. */
  | {
      readonly kind: 'delivered'
      readonly rootUid: string
      readonly renewal: string
      readonly until: number
    }
  /** For as long as this pod lives, as with a kubelet. */
  | { readonly kind: 'refused'; readonly rootUid: string; readonly message: string }

type Asked = Extract<Credential, { kind: 'asked' }>

/**
 * What has become of a request; undefined while its signer has not answered.
 * @param jitterMs spreads renewals of certificates that were issued together
 */
export function answerTo(
  { rootUid, privateKey }: Asked,
  { metadata, spec, status = {} }: PodCertificateRequest,
  jitterMs: number,
): Credential | undefined {
  for (const { type, reason, message } of status.conditions ?? []) {
    if (type === 'Issued') {
      const chain = pemOf(certificatesOf(status.certificateChain ?? ''))
      const renewAt = Date.parse(status.beginRefreshAt ?? '') + jitterMs
      return { kind: 'issued', rootUid, privateKey, chain, renewAt }
    }
    if (type === 'Denied' || type === 'Failed') {
      const what = `PodCertificateRequest ${metadata.name} of signer ${spec.signerName}`
      const said = [reason, message].filter(Boolean).join(': ')
      return { kind: 'refused', rootUid, message: `${what} ${type === 'Denied' ? 'was denied' : 'failed'}: ${said}` }
    }
  }
  return undefined
}
