import Type, { type Static } from 'typebox'
import { struct } from '../schema/build.ts'
import { labelKeyPattern, timePattern } from '../schema/patterns.ts'

/** A metav1.Condition. */
const condition = struct(
  {
    type: Type.String({
      description: 'What the condition is about: Reachable, CredentialsValid or VirtualNodesReady.',
      maxLength: 316,
      pattern: labelKeyPattern,
    }),
    status: Type.Enum(['True', 'False', 'Unknown'], { description: 'Whether it holds.' }),
    observedGeneration: Type.Optional(
      Type.Integer({ description: 'The metadata.generation that it was computed from.', format: 'int64', minimum: 0 }),
    ),
    lastTransitionTime: Type.String({ description: 'When status last changed.', maxLength: 40, pattern: timePattern }),
    reason: Type.String({
      description: 'Why, in one word for programs; the reference lists all of them.',
      minLength: 1,
      maxLength: 1024,
      pattern: '^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$',
    }),
    message: Type.String({ description: 'Why, and what to do, for people.', maxLength: 32768 }),
  },
  { description: 'One condition.' },
)

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
      Type.Array(condition, {
        description: 'What works and what does not.',
        maxItems: 32,
        listType: 'map',
        listMapKeys: ['type'],
      }),
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
export type ClusterCondition = Static<typeof condition>
