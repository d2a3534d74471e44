import Type, { type Static } from 'typebox'
import { mapOf, struct } from '../schema/build.ts'
import { conditionOf } from '../schema/condition.ts'

const cidrs = (description: string) =>
  Type.Optional(Type.Array(Type.String({ description: 'A CIDR.', maxLength: 64 }), { description, maxItems: 256 }))

export const clusterStatus = struct(
  {
    observedGeneration: Type.Optional(
      Type.Integer({
        description: 'The metadata.generation that the status was computed from.',
        format: 'int64',
        minimum: 0,
      }),
    ),
    conditions: Type.Optional(
      Type.Array(
        conditionOf('Reachable, CredentialsValid, VirtualNodesReady, Linked, NetworksFound or PoliciesFollowed'),
        {
          description: 'What works and what does not.',
          maxItems: 32,
          listType: 'map',
          listMapKeys: ['type'],
        },
      ),
    ),
    version: Type.Optional(
      Type.String({ description: 'The Kubernetes version of the cluster, such as v1.37.2.', maxLength: 128 }),
    ),
    virtualNodes: Type.Optional(
      Type.Integer({
        description: 'How many virtual nodes of the cluster exist in the root.',
        format: 'int32',
        minimum: 0,
      }),
    ),
    clusterLinkStatus: Type.Optional(
      struct(
        {
          podCIDRs: cidrs('The networks of the pods.'),
          serviceCIDRs: cidrs('The networks of the services.'),
          globalCIDRs: Type.Optional(
            mapOf(Type.String({ description: 'The network that others see instead.', maxLength: 64 }), {
              description:
                'Networks that another cluster has as well and globalCIDRsMap does not name: by which addresses the others know them. Given once and kept.',
              maxProperties: 256,
            }),
          ),
        },
        { description: 'What ClusterLink found out about the cluster.' },
      ),
    ),
    clusterTreeStatus: Type.Optional(
      struct(
        {
          leafNodeItems: Type.Optional(
            Type.Array(
              struct(
                { leafNodeName: Type.String({ description: 'The name of the virtual node.', maxLength: 253 }) },
                { description: 'One virtual node.' },
              ),
              {
                description: 'The virtual nodes of the cluster in the root.',
                maxItems: 1000,
                listType: 'map',
                listMapKeys: ['leafNodeName'],
              },
            ),
          ),
        },
        { description: 'What ClusterTree made of the cluster.' },
      ),
    ),
  },
  { description: 'What Kosmos found; written by Kosmos only.' },
)

export type ClusterStatus = Static<typeof clusterStatus>
