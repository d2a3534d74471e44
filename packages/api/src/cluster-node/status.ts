import Type, { type Static } from 'typebox'
import { struct } from '../schema/build.ts'
import { conditionOf } from '../schema/condition.ts'

export const clusterNodeStatus = struct(
  {
    conditions: Type.Optional(
      Type.Array(conditionOf('Applied, NextHopsReachable'), {
        description: 'What works and what does not, as the agent on the node says.',
        maxItems: 32,
        listType: 'map',
        listMapKeys: ['type'],
      }),
    ),
  },
  { description: 'How the node does; written by the controller of ClusterLink only.' },
)

export type ClusterNodeStatus = Static<typeof clusterNodeStatus>
