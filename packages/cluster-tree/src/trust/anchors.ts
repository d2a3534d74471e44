const CERTIFICATE = /^-----BEGIN CERTIFICATE-----\r?\n(?<base64>[^-]*)-----END CERTIFICATE-----/gm

/**
 * The certificates of several bundles as one PEM text, each once and without what stands between them, as a kubelet writes them into a
 * volume (normalizeTrustAnchors of k8s.io/kubernetes pkg/kubelet/clustertrustbundle). In an order that does not change: a
 * kubelet shuffles, but its volume is no object that would be written for it. Pure.
 */
export function normalizeAnchors(bundles: readonly string[]): string {
  const anchors = new Set(
    bundles.flatMap((bundle) =>
      [...bundle.matchAll(CERTIFICATE)].map(({ groups }) =>
        Buffer.from(groups?.base64 ?? '', 'base64').toString('base64'),
      ),
    ),
  )
  return [...anchors].sort().map(pemOf).join('')
}

function pemOf(base64: string): string {
  const lines = base64.match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}
