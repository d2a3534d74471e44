import Type, { type Static } from 'typebox'
import { ruleFor, struct } from '../schema/build.ts'
import { dnsSubdomainPattern, labelKeyMaxLength, labelKeyPattern, labelValuePattern } from '../schema/patterns.ts'
import { labelSelector } from '../schema/selectors.ts'

/** Shares and counts beyond this are no numbers of pods any more; products of two stay exact. */
const maxCount = 1_000_000

const count = (description: string, minimum = 0) =>
  Type.Optional(Type.Integer({ description, format: 'int32', minimum, maximum: maxCount }))

interface AllocationRules {
  replicas?: number
  weight?: number
  min?: number
  max?: number
}

const allocation = struct(
  {
    name: Type.String({
      description: 'The value of the label topologyKey on the nodes.',
      minLength: 1,
      maxLength: 63,
      pattern: labelValuePattern,
    }),
    replicas: count('Exactly so many pods, as far as there are enough; the same as min and max.'),
    weight: count('Its share of the pods, relative to the weights of the others.', 1),
    min: count('So many pods come here before the weights count.'),
    max: count('No more pods than this come here, also of those that Preferred lets go anywhere.'),
  },
  {
    description: 'What one value of the topology key gets.',
    rules: [
      ruleFor<AllocationRules>({
        cel: 'has(self.replicas) != has(self.weight)',
        message: 'say either replicas, an exact count, or weight, a share',
        check: ({ replicas, weight }) => (replicas === undefined) !== (weight === undefined),
      }),
      ruleFor<AllocationRules>({
        cel: '!has(self.replicas) || (!has(self.min) && !has(self.max))',
        message: 'min and max go with weight; replicas is both already',
        check: ({ replicas, min, max }) => replicas === undefined || (min === undefined && max === undefined),
      }),
      ruleFor<AllocationRules>({
        cel: '!has(self.min) || !has(self.max) || self.min <= self.max',
        message: 'min must not be more than max',
        check: ({ min, max }) => min === undefined || max === undefined || min <= max,
      }),
    ],
  },
)

export type Allocation = Static<typeof allocation>

export const workload = struct(
  {
    kind: Type.Enum(['Deployment', 'StatefulSet', 'ReplicaSet', 'Job'], {
      description: 'The kind of the workload.',
    }),
    name: Type.String({ description: 'Its name.', minLength: 1, maxLength: 253, pattern: dnsSubdomainPattern }),
  },
  { description: 'The workload in the namespace of the policy whose pods it is about.' },
)

const rebalance = struct(
  {
    maxUnavailable: Type.Integer({
      description:
        'So many pods of the policy may be not Ready at once for it; while there are as many, none is moved.',
      format: 'int32',
      minimum: 1,
      maximum: maxCount,
    }),
    afterSeconds: Type.Integer({
      description: 'How long there must have been room where a pod belongs before one is moved.',
      format: 'int32',
      minimum: 0,
      maximum: 86_400,
      default: 60,
    }),
  },
  {
    description:
      'Moves pods to where they belong, for example after a cluster has returned: evicts them one after the other, as PodDisruptionBudgets allow, where there is room for their successors. Without it, none is moved.',
  },
)

interface Selection {
  workload?: object
  labelSelector?: object
}

export const workloadPolicySpec = struct(
  {
    topologyKey: Type.String({
      description:
        'The node label whose values get shares: kosmos.io/cluster, topology.kubernetes.io/region, topology.kubernetes.io/zone, kubernetes.io/hostname, or one of your own.',
      minLength: 1,
      maxLength: labelKeyMaxLength,
      pattern: labelKeyPattern,
    }),
    workload: Type.Optional(workload),
    labelSelector: Type.Optional(
      labelSelector('The pods in the namespace of the policy that it is about, by their labels. Empty: all of them.'),
    ),
    allocationPolicy: Type.Array(allocation, {
      description: 'How many pods go where. The order counts for Fill, and for who comes first among equals.',
      maxItems: 100,
      // One value, since its order counts; and the fields of each item are not kept track of, which admission would pay for.
      listType: 'atomic',
      rules: [
        ruleFor<Allocation[]>({
          cel: 'self.all(one, self.exists_one(other, other.name == one.name))',
          message: 'there must be one allocation of a name',
          check: (self) => new Set(self.map(({ name }) => name)).size === self.length,
        }),
        ruleFor<Allocation[]>({
          cel: 'size(self) > 0',
          message: 'at least one allocation is needed',
          check: (self) => self.length > 0,
        }),
      ],
    }),
    allocationType: Type.Enum(['Preferred', 'Required'], {
      description:
        'What becomes of pods beyond what the allocations add up to. Preferred: they go anywhere but where an allocation has a max. Required: they wait.',
      default: 'Preferred',
    }),
    allocationMethod: Type.Enum(['Balance', 'Fill'], {
      description:
        'In which order places are given while there are fewer pods than places. Balance: in proportion to the shares. Fill: one allocation after the other, in the order of the list.',
      default: 'Balance',
    }),
    allocationScope: Type.Enum(['Revision', 'Workload'], {
      description:
        'What is counted together. Revision: the pods of one revision of one workload, so that a rolling update keeps the shares. Workload: all pods that the policy selects.',
      default: 'Revision',
    }),
    whenUnavailable: Type.Optional(
      Type.Enum(['Spill', 'Wait'], {
        description:
          'What becomes of a pod whose turn it is for a place where no Ready node takes it or has room for it, inside a leaf as well. Spill: it takes the next place where one does. Wait: its place is kept, and it waits with its gate shut. Default: Wait where allocationType is Required, else Spill.',
      }),
    ),
    rebalance: Type.Optional(rebalance),
  },
  {
    description: 'How the pods of a workload are distributed over clusters, regions, zones or nodes.',
    rules: [
      ruleFor<Selection>({
        cel: 'has(self.workload) != has(self.labelSelector)',
        message: 'say which pods it is about, by workload or by labelSelector',
        check: ({ workload, labelSelector }) => (workload === undefined) !== (labelSelector === undefined),
      }),
    ],
  },
)

export type WorkloadPolicySpec = Static<typeof workloadPolicySpec>
