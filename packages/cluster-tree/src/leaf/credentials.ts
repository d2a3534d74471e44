import { PodCertificates } from '../certificates/controller.ts'
import { CertificateRequests } from '../certificates/requests.ts'
import type { Root } from '../root/root.ts'
import { RootAuthority } from '../tokens/authority.ts'
import { PodTokens } from '../tokens/controller.ts'
import { TokenIssuer } from '../tokens/issuer.ts'
import { PodTrust } from '../trust/controller.ts'
import type { LeafScope } from './scope.ts'
import type { LeafSources } from './sources.ts'

/** By what pods in a leaf are known to the root and to each other, and know it: tokens, certificates and trust of the root. */
export class PodCredentials {
  readonly tokens: PodTokens
  readonly trust: PodTrust
  readonly certificates: PodCertificates

  constructor(scope: LeafScope, root: Root, { configuration }: Pick<LeafSources, 'configuration'>) {
    const { secrets: leafSecrets, configmaps: leafConfigMaps } = configuration
    this.tokens = new PodTokens({
      ...scope,
      leafSecrets,
      issuer: new TokenIssuer(root.client),
      authority: new RootAuthority(root.client, root.configuration.configmaps),
    })
    this.trust = new PodTrust({ ...scope, leafConfigMaps, bundles: root.trustBundles })
    this.certificates = new PodCertificates({
      ...scope,
      leafSecrets,
      requests: root.certificateRequests,
      signers: new CertificateRequests(root.client, (node) => root.virtualNodes.get(node)?.metadata.uid),
    })
  }

  async run(signal: AbortSignal): Promise<void> {
    const parts = [this.tokens, this.trust, this.certificates]
    await Promise.all(parts.map(({ controller }) => controller.run(signal)))
  }
}
