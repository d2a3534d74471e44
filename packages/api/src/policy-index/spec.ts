import Type, { type Static } from 'typebox'
import { struct } from '../schema/build.ts'
import { dnsSubdomainPattern, optionalDnsSubdomainPattern } from '../schema/patterns.ts'
import { labelSelector } from '../schema/selectors.ts'
import { workload } from '../workload-policy/spec.ts'

const policyName = (description: string) =>
  Type.String({ description, minLength: 1, maxLength: 253, pattern: dnsSubdomainPattern })

const entry = struct(
  {
    name: policyName('The name of the WorkloadPolicy.'),
    workload: Type.Optional(workload),
    labelSelector: Type.Optional(labelSelector('The pods that it is about, by their labels.')),
  },
  { description: 'Which pods a WorkloadPolicy selects, as it says itself.' },
)

/** Flat, lest the rules of label selectors cost more than an API server allows. */
const selector = struct(
  {
    policy: policyName('The name of the policy.'),
    name: Type.Optional(
      Type.String({ description: 'The name of one pod.', maxLength: 253, pattern: optionalDnsSubdomainPattern }),
    ),
    namePrefix: Type.Optional(Type.String({ description: 'What the names of the pods begin with.', maxLength: 253 })),
    labelSelector: Type.Optional(labelSelector('The pods, by their labels.')),
  },
  { description: 'Pods that a policy is about, by the one criterion that counts; without any: all pods.' },
)

export const policyIndexSpec = struct(
  {
    policies: Type.Array(entry, {
      description: 'The WorkloadPolicies that admission does not ask by themselves any more.',
      maxItems: 1024,
      listType: 'atomic',
    }),
    distributions: Type.Optional(
      Type.Array(selector, {
        description:
          'The selectors of the DistributionPolicies or ClusterDistributionPolicies that admission does not ask by themselves any more.',
        maxItems: 1024,
        listType: 'atomic',
      }),
    ),
  },
  { description: 'What policies select, in one object. Written by the scheduler.' },
)

export type PolicyIndexEntry = Static<typeof entry>
export type DistributionIndexEntry = Static<typeof selector>
export type PolicyIndexSpec = Static<typeof policyIndexSpec>
