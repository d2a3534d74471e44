import { certificateRenewalAnnotation, globalAnnotation, rootClusterLabel, rootUidAnnotation } from '@kosmos/api'
import type { KubeObject, Pod } from '@kosmos/kube'
import type { IssuedCertificate } from './credential.ts'
import { certificateSecretName, credentialKeys } from './wishes.ts'

export interface CertificateSecretParts {
  readonly root: Pod
  /** The pod in the leaf, which owns the Secret: it goes with the pod. */
  readonly copy: Pick<Pod, 'metadata'>
  readonly rootClusterId: string
  readonly id: string
  readonly issued: IssuedCertificate
}

/** The Secret that only this pod mounts. Pure. */
export function certificateSecret({ root, copy, rootClusterId, id, issued }: CertificateSecretParts): KubeObject {
  const { privateKey, chain } = issued
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const object = {
    metadata: {
      name: certificateSecretName(root, id),
      namespace: root.metadata.namespace,
      labels: { [rootClusterLabel]: rootClusterId },
      annotations: {
        [globalAnnotation]: 'true',
        [rootUidAnnotation]: root.metadata.uid,
        [certificateRenewalAnnotation]: renewalOf(issued),
      },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: copy.metadata.name, uid: copy.metadata.uid }],
    },
    type: 'Opaque',
    data: {
      [credentialKeys.bundle]: base64(`${privateKey}${chain}`),
      [credentialKeys.key]: base64(privateKey),
      [credentialKeys.chain]: base64(chain),
    },
  }
  return object
}

/** When it is due, as the Secret says it. Pure. */
export function renewalOf({ renewAt }: IssuedCertificate): string {
  return new Date(renewAt).toISOString()
}
