import Type, { type Static } from 'typebox'
import { struct } from '../schema/build.ts'
import { conditionOf } from '../schema/condition.ts'

/** As many as anybody links, with room. */
const maxClusters = 10_000

const names = (description: string) =>
  Type.Optional(
    Type.Array(Type.String({ description: 'The name of a Cluster.', maxLength: 253 }), {
      description,
      maxItems: maxClusters,
      listType: 'atomic',
    }),
  )

export const clusterLinkPolicyStatus = struct(
  {
    observedGeneration: Type.Optional(
      Type.Integer({
        description: 'The metadata.generation that the status was computed from.',
        format: 'int64',
        minimum: 0,
      }),
    ),
    clusters: names('The linked clusters that the policy is for.'),
    peers: names('The linked clusters with which it lets them talk, if those let them as well.'),
    conditions: Type.Optional(
      Type.Array(conditionOf('ClustersFound'), {
        description: 'What is wrong with it.',
        maxItems: 32,
        listType: 'map',
        listMapKeys: ['type'],
      }),
    ),
  },
  { description: 'What Kosmos found; written by Kosmos only.' },
)

export type ClusterLinkPolicyStatus = Static<typeof clusterLinkPolicyStatus>
