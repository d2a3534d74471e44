import Type, { type Static } from 'typebox'
import { systemNamespace } from '../names.ts'
import { struct } from '../schema/build.ts'
import { base64Pattern, dnsLabelPattern, dnsSubdomainPattern, secretKeyPattern } from '../schema/patterns.ts'
import { clusterLinkOptions } from './link-options.ts'
import { clusterTreeOptions } from './tree-options.ts'

const credentialsSecretRef = struct(
  {
    namespace: Type.String({
      description: 'The namespace of the Secret, in the root.',
      default: systemNamespace,
      minLength: 1,
      maxLength: 63,
      pattern: dnsLabelPattern,
    }),
    name: Type.String({
      description: 'The name of the Secret.',
      minLength: 1,
      maxLength: 253,
      pattern: dnsSubdomainPattern,
    }),
    key: Type.String({
      description: 'The key in the Secret whose value is the kubeconfig.',
      default: 'kubeconfig',
      minLength: 1,
      maxLength: 253,
      pattern: secretKeyPattern,
    }),
  },
  {
    description:
      'The Secret in the root with the kubeconfig by which the cluster is reached. It may be created after the Cluster and changed at any time.',
  },
)

export const clusterSpec = struct(
  {
    kubeconfig: Type.Optional(
      Type.String({
        description:
          'The kubeconfig of the cluster, base64. Accepted for manifests of the original Kosmos: it is moved into a Secret, which credentialsSecretRef then names, and cleared here. New manifests use credentialsSecretRef.',
        pattern: base64Pattern,
        secret: true,
        maxLength: 1024 * 1024,
      }),
    ),
    credentialsSecretRef: Type.Optional(credentialsSecretRef),
    namespace: Type.String({
      description: 'The namespace in which Kosmos keeps what it needs in the cluster.',
      default: systemNamespace,
      minLength: 1,
      maxLength: 63,
      pattern: dnsLabelPattern,
    }),
    imageRepository: Type.Optional(
      Type.String({
        description: 'Where the images of the components that run in the cluster come from.',
        maxLength: 512,
      }),
    ),
    clusterLinkOptions: Type.Optional(clusterLinkOptions),
    clusterTreeOptions: Type.Optional(clusterTreeOptions),
  },
  { description: 'What the cluster is and how it is joined. A cluster other than the root needs credentials.' },
)

export type ClusterSpec = Static<typeof clusterSpec>
export type CredentialsSecretRef = Static<typeof credentialsSecretRef>
