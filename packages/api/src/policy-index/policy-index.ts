import { apiGroup, apiVersion } from '../names.ts'
import type { Kind } from '../schema/kind.ts'
import type { ObjectMeta } from '../schema/metadata.ts'
import { type PolicyIndexSpec, policyIndexSpec } from './spec.ts'

/** What policies of one kind select, in one object: admission asks one instead of all of them. */
export interface PolicyIndex {
  apiVersion: typeof apiVersion
  kind: 'PolicyIndex'
  metadata: ObjectMeta & { namespace: string }
  spec: PolicyIndexSpec
}

export const policyIndexKind: Kind = {
  group: apiGroup,
  version: apiVersion.slice(apiGroup.length + 1),
  kind: 'PolicyIndex',
  plural: 'policyindexes',
  singular: 'policyindex',
  categories: ['kosmos-io'],
  scope: 'Namespaced',
  description: 'What policies of one kind select, in one object that admission asks.',
  spec: policyIndexSpec,
  rules: [],
  columns: [
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Since when it exists.' },
  ],
}
