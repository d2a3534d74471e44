import Type, { type Static } from 'typebox'
import { struct } from '../schema/build.ts'
import { conditionOf } from '../schema/condition.ts'

const pods = (description: string) => Type.Integer({ description, format: 'int32', minimum: 0 })

const allocationStatus = struct(
  {
    name: Type.String({ description: 'The value of the topology key.', maxLength: 63 }),
    desired: pods('How many of the pods that there are belong here.'),
    assigned: pods('How many have their place here.'),
    ready: pods('How many of those are Ready.'),
  },
  { description: 'What one value of the topology key has.' },
)

export const workloadPolicyStatus = struct(
  {
    observedGeneration: Type.Optional(
      Type.Integer({
        description: 'The metadata.generation that the status was computed from.',
        format: 'int64',
        minimum: 0,
      }),
    ),
    pods: Type.Optional(pods('How many pods the policy places, without those that have ended or are being deleted.')),
    waiting: Type.Optional(pods('How many of them wait for a place.')),
    elsewhere: Type.Optional(pods('How many of them are where no allocation is.')),
    allocations: Type.Optional(
      Type.Array(allocationStatus, {
        description: 'What is where.',
        maxItems: 100,
        listType: 'map',
        listMapKeys: ['name'],
      }),
    ),
    conditions: Type.Optional(
      Type.Array(conditionOf('Satisfied'), {
        description: 'Whether the pods are where the policy wants them.',
        maxItems: 32,
        listType: 'map',
        listMapKeys: ['type'],
      }),
    ),
  },
  { description: 'What Kosmos found; written by Kosmos only.' },
)

export type WorkloadPolicyStatus = Static<typeof workloadPolicyStatus>
export type AllocationStatus = Static<typeof allocationStatus>
