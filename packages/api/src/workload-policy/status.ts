import Type, { type Static } from 'typebox'
import { mapOf, struct } from '../schema/build.ts'
import { conditionOf } from '../schema/condition.ts'
import { timePattern } from '../schema/patterns.ts'

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

const refusal = struct(
  {
    node: Type.String({ description: 'The node.', maxLength: 253 }),
    requests: mapOf(Type.String({ description: 'A quantity.', maxLength: 64 }), {
      description: 'What the pod requested; pods that ask for at least as much are not sent there.',
      maxProperties: 64,
    }),
    tries: Type.Integer({ description: 'How often in a row.', format: 'int32', minimum: 1 }),
    until: Type.String({ description: 'When it is tried again.', maxLength: 40, pattern: timePattern }),
    machines: Type.Integer({
      description: 'How many of its machines were said to have room; when there are more, it is tried again at once.',
      format: 'int32',
      minimum: 0,
    }),
    message: Type.String({ description: "The words of the leaf's scheduler, or the root's.", maxLength: 1024 }),
  },
  { description: 'That a pod could not be bound where there was said to be room for it, in the leaf or in the root.' },
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
        listType: 'atomic',
      }),
    ),
    refusals: Type.Optional(
      Type.Array(refusal, {
        description:
          "Nodes that pods of the policy are not sent to for a while, since their leaf, or the root's scheduler, found no node for one.",
        maxItems: 100,
        listType: 'atomic',
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
export type RefusalStatus = Static<typeof refusal>
export type AllocationStatus = Static<typeof allocationStatus>
