import {
  globalAnnotation,
  rootClusterLabel,
  rootUidAnnotation,
  serviceAccountNameAnnotation,
  tokenRenewalAnnotation,
} from '@kosmos/api'
import type { KubeObject, Pod } from '@kosmos/kube'
import { authorityKey, tokenSecretName } from './wishes.ts'

/** A token as the root issued it. */
export interface IssuedToken {
  /** Of the Secret. */
  readonly key: string
  readonly token: string
  /** Milliseconds since the epoch. */
  readonly issuedAt: number
  readonly expiresAt: number
}

export interface TokenSecretParts {
  readonly root: Pod
  /** The pod in the leaf, which owns the Secret: it goes with the pod. */
  readonly copy: Pick<Pod, 'metadata'>
  readonly rootClusterId: string
  readonly tokens: readonly IssuedToken[]
  /** PEM. */
  readonly authority: string
}

/** As the kubelet's token manager: at 80 % of life, and at least a minute before the end for clocks that differ. */
const RENEWAL_SHARE = 0.8
const SKEW_MS = 60_000

/** Whether a Secret in the leaf holds the tokens of a pod, and is no copy of one of the root. Pure. */
export function isTokenSecret({ metadata }: KubeObject): boolean {
  return metadata?.annotations?.[tokenRenewalAnnotation] !== undefined
}

/** When the first of the tokens is to be renewed. Pure. */
export function renewalTime(tokens: readonly Pick<IssuedToken, 'issuedAt' | 'expiresAt'>[]): number {
  return Math.min(
    ...tokens.map(({ issuedAt, expiresAt }) =>
      Math.min(issuedAt + (expiresAt - issuedAt) * RENEWAL_SHARE, Math.max(expiresAt - SKEW_MS, issuedAt)),
    ),
  )
}

/** The Secret that only this pod mounts. Pure. */
export function tokenSecret({ root, copy, rootClusterId, tokens, authority }: TokenSecretParts): KubeObject {
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const data = Object.fromEntries(tokens.map(({ key, token }) => [key, base64(token)]))
  const object = {
    metadata: {
      name: tokenSecretName(root),
      namespace: root.metadata.namespace,
      labels: { [rootClusterLabel]: rootClusterId },
      annotations: {
        [globalAnnotation]: 'true',
        [rootUidAnnotation]: root.metadata.uid,
        [serviceAccountNameAnnotation]: root.spec.serviceAccountName ?? 'default',
        [tokenRenewalAnnotation]: new Date(renewalTime(tokens)).toISOString(),
      },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: copy.metadata.name, uid: copy.metadata.uid }],
    },
    type: 'Opaque',
    data: { ...data, [authorityKey]: base64(authority) },
  }
  return object
}
