import Type, { type Static } from 'typebox'
import { ruleFor, struct } from '../schema/build.ts'
import { dnsSubdomainPattern } from '../schema/patterns.ts'
import { labelSelector } from '../schema/selectors.ts'

interface SelectorRules {
  names?: string[]
  labelSelector?: object
}

const clusterSelector = (description: string) =>
  struct(
    {
      names: Type.Optional(
        Type.Array(
          Type.String({ description: 'The name of a Cluster.', maxLength: 253, pattern: dnsSubdomainPattern }),
          {
            description: 'Clusters by their names.',
            maxItems: 256,
            listType: 'set',
          },
        ),
      ),
      labelSelector: Type.Optional(labelSelector('Clusters by the labels of their Cluster objects.')),
    },
    {
      description: `${description} By names, or by labels; with neither, all linked clusters.`,
      rules: [
        ruleFor<SelectorRules>({
          cel: '!(has(self.names) && has(self.labelSelector))',
          message: 'clusters are selected by names or by labelSelector, not by both',
          check: ({ names, labelSelector }) => names === undefined || labelSelector === undefined,
        }),
        ruleFor<SelectorRules>({
          cel: '!has(self.names) || size(self.names) > 0',
          message: 'names must have at least one name; leave it out to select all clusters',
          check: ({ names }) => names === undefined || names.length > 0,
        }),
      ],
    },
  )

export const clusterLinkPolicySpec = struct(
  {
    clusters: clusterSelector('The clusters that the policy is for.'),
    peers: Type.Array(clusterSelector('Some peers.'), {
      description:
        'The clusters with which those may talk: whoever one of the entries selects. Without an entry: with none.',
      default: [],
      maxItems: 64,
      listType: 'atomic',
    }),
  },
  {
    description:
      'Which clusters may talk. A cluster that no policy is for may talk with all; one that policies are for, with the peers that at least one of them names. Two clusters talk if both may.',
  },
)

export type ClusterLinkPolicySpec = Static<typeof clusterLinkPolicySpec>
