import Type, { type Static } from 'typebox'
import { ruleFor, struct } from '../schema/build.ts'
import { optionalDnsSubdomainPattern } from '../schema/patterns.ts'
import { labelSelector, labels, toleration } from '../schema/selectors.ts'

const termName = (description: string) => Type.String({ description, minLength: 1, maxLength: 63 })

const resourceSelector = struct(
  {
    policyName: termName('The term that these pods go by.'),
    name: Type.Optional(
      Type.String({ description: 'The name of one pod.', maxLength: 253, pattern: optionalDnsSubdomainPattern }),
    ),
    namePrefix: Type.Optional(
      Type.String({
        description:
          'What the names of the pods begin with; those of a Deployment begin with its name and a dash. Counts where name is not set.',
        maxLength: 253,
      }),
    ),
    labelSelector: Type.Optional(
      labelSelector('The labels of the pods. Counts where neither name nor namePrefix is set; without it: all pods.'),
    ),
  },
  { description: 'Some pods, and the term that they go by.' },
)

export type ResourceSelector = Static<typeof resourceSelector>

interface Advanced {
  nodeName?: string
  nodeSelector?: object
  tolerations?: unknown[]
}

const advancedTerm = struct(
  {
    nodeName: Type.Optional(
      Type.String({ description: 'The node.', maxLength: 253, pattern: optionalDnsSubdomainPattern }),
    ),
    nodeSelector: Type.Optional(labels('Labels that the nodes have to have, all of them.')),
    tolerations: Type.Optional(
      Type.Array(toleration, { description: 'What the pods tolerate beside their own tolerations.', maxItems: 64 }),
    ),
  },
  { description: 'Nodes by name and labels, both where both are given, and what the pods tolerate there.' },
)

interface TermRules {
  nodeType?: string
  advancedTerm?: Advanced
}

const policyTerm = struct(
  {
    name: termName('The name of the term.'),
    nodeType: Type.Enum(['host', 'leaf', 'mix', 'adv'], {
      description:
        "Which nodes the pods may be on. host: the root's own. leaf: virtual ones. mix: both. adv: those that advancedTerm says.",
      default: 'mix',
    }),
    advancedTerm: Type.Optional(advancedTerm),
  },
  {
    description: 'Where pods may go.',
    rules: [
      ruleFor<TermRules>({
        cel: "self.nodeType != 'adv' || (has(self.advancedTerm) && ((has(self.advancedTerm.nodeName) && self.advancedTerm.nodeName != '') || (has(self.advancedTerm.nodeSelector) && size(self.advancedTerm.nodeSelector) > 0) || (has(self.advancedTerm.tolerations) && size(self.advancedTerm.tolerations) > 0)))",
        message: 'nodeType adv needs an advancedTerm that says something',
        check: ({ nodeType, advancedTerm: term }) =>
          nodeType !== 'adv' ||
          Boolean(term?.nodeName) ||
          Object.keys(term?.nodeSelector ?? {}).length > 0 ||
          (term?.tolerations ?? []).length > 0,
      }),
    ],
  },
)

export type PolicyTerm = Static<typeof policyTerm>

interface SpecRules {
  resourceSelectors: { policyName: string }[]
  policyTerms: { name: string }[]
}

const notEmpty = (of: string) =>
  ruleFor<unknown[]>({
    cel: 'size(self) > 0',
    message: `at least one ${of} is needed`,
    check: (self) => self.length > 0,
  })

export const distributionPolicySpec = struct(
  {
    resourceSelectors: Type.Array(resourceSelector, {
      description:
        'Which pods go by which term. Of several that mean a pod, name comes before namePrefix, the longer prefix first, then labelSelector, then those that mean all; among equals the last of the list.',
      maxItems: 64,
      listType: 'atomic',
      rules: [notEmpty('selector')],
    }),
    policyTerms: Type.Array(policyTerm, {
      description: 'The terms.',
      maxItems: 64,
      listType: 'map',
      listMapKeys: ['name'],
      rules: [notEmpty('term')],
    }),
  },
  {
    description: 'Which kind of nodes pods may be on.',
    rules: [
      ruleFor<SpecRules>({
        cel: 'self.resourceSelectors.all(selector, self.policyTerms.exists(term, term.name == selector.policyName))',
        message: 'every policyName must be the name of one of the policyTerms',
        check: ({ resourceSelectors, policyTerms }) =>
          resourceSelectors.every(({ policyName }) => policyTerms.some(({ name }) => name === policyName)),
      }),
    ],
  },
)

export type DistributionPolicySpec = Static<typeof distributionPolicySpec>
