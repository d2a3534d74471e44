import { hash } from 'node:crypto'
import type { Pod, PodSpec } from '@kosmos/kube'

type Volume = NonNullable<PodSpec['volumes']>[number]
type Source = NonNullable<NonNullable<Volume['projected']>['sources']>[number]
export type CertificateSource = NonNullable<Source['podCertificate']>

/** A certificate that a pod asks for by a projected volume. */
export interface CertificateWish {
  /** Tells it from the pod's others. */
  readonly id: string
  readonly source: CertificateSource
  readonly volume: string
}

/** The certificates that the volumes of a pod ask for, each with a key of its own. Pure. */
export function certificateWishes({ volumes = [] }: PodSpec): readonly CertificateWish[] {
  return volumes.flatMap(({ name, projected }) =>
    (projected?.sources ?? []).flatMap(({ podCertificate: source }) =>
      source ? [{ id: certificateId(name, source), source, volume: name }] : [],
    ),
  )
}

/** By the files that it is written to, of which no volume has one twice. Pure. */
export function certificateId(
  volume: string,
  { credentialBundlePath, keyPath, certificateChainPath }: CertificateSource,
): string {
  return hash('sha1', JSON.stringify([volume, credentialBundlePath, keyPath, certificateChainPath])).slice(0, 10)
}

/** The Secret in the leaf that holds a certificate of this incarnation of a root pod. Pure. */
export function certificateSecretName({ metadata: { uid } }: Pick<Pod, 'metadata'>, id: string): string {
  return `kosmos-certificate-${uid}-${id}`
}

/** In that Secret, as a volume may ask for it. */
export const credentialKeys = { bundle: 'credentials.pem', key: 'key.pem', chain: 'chain.pem' } as const
