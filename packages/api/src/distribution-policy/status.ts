import Type, { type Static } from 'typebox'
import { struct } from '../schema/build.ts'
import { conditionOf } from '../schema/condition.ts'

export const distributionPolicyStatus = struct(
  {
    observedGeneration: Type.Optional(
      Type.Integer({
        description: 'The metadata.generation that the status was computed from.',
        format: 'int64',
        minimum: 0,
      }),
    ),
    conditions: Type.Optional(
      Type.Array(conditionOf('Effective'), {
        description: 'Whether its pods go by it.',
        maxItems: 32,
        listType: 'map',
        listMapKeys: ['type'],
      }),
    ),
  },
  { description: 'What Kosmos found; written by Kosmos only.' },
)

export type DistributionPolicyStatus = Static<typeof distributionPolicyStatus>
