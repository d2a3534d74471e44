import { certificatesOf, pemOf } from './pem.ts'

/**
 * The certificates of several bundles as one PEM text, each once and without what stands between them, as a kubelet writes them into a
 * volume (normalizeTrustAnchors of k8s.io/kubernetes pkg/kubelet/clustertrustbundle). In an order that does not change: a
 * kubelet shuffles, but its volume is no object that would be written for it. Pure.
 */
export function normalizeAnchors(bundles: readonly string[]): string {
  return pemOf([...new Set(bundles.flatMap(certificatesOf))].sort())
}
