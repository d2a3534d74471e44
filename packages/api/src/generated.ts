import { dump } from 'js-yaml'
import { clusterKind } from './cluster/cluster.ts'
import { clusterConditions } from './cluster/conditions.ts'
import { clusterLinkPolicyKind } from './cluster-link-policy/cluster-link-policy.ts'
import { clusterLinkPolicyConditions } from './cluster-link-policy/conditions.ts'
import { clusterNodeKind } from './cluster-node/cluster-node.ts'
import { customResourceDefinition } from './crd.ts'
import { distributionPolicyConditions } from './distribution-policy/conditions.ts'
import { clusterDistributionPolicyKind, distributionPolicyKind } from './distribution-policy/distribution-policy.ts'
import { nodeConfigConditions } from './node-config/conditions.ts'
import { nodeConfigKind } from './node-config/node-config.ts'
import { policyIndexKind } from './policy-index/policy-index.ts'
import { referencePage } from './reference.ts'
import type { ConditionTable } from './schema/condition.ts'
import type { Kind } from './schema/kind.ts'
import { workloadPolicyConditions } from './workload-policy/conditions.ts'
import { workloadPolicyKind } from './workload-policy/workload-policy.ts'

const notice = '# Generated from packages/api by `npm run generate`; do not edit.\n'

function manifest(kind: Kind) {
  return notice + dump(customResourceDefinition(kind), { lineWidth: 120, noRefs: true })
}

/** Files that are written from the schemas: path from the repository's root → content. */
export const generatedFiles: Readonly<Record<string, string>> = {
  ...filesOf(clusterKind, clusterConditions),
  ...filesOf(clusterLinkPolicyKind, clusterLinkPolicyConditions),
  ...filesOf(clusterNodeKind, nodeConfigConditions),
  ...filesOf(nodeConfigKind, nodeConfigConditions),
  ...filesOf(distributionPolicyKind, distributionPolicyConditions),
  ...filesOf(clusterDistributionPolicyKind, distributionPolicyConditions),
  ...filesOf(workloadPolicyKind, workloadPolicyConditions),
  ...filesOf(policyIndexKind, {}),
}

function filesOf(kind: Kind, conditions: ConditionTable): Record<string, string> {
  return {
    [`deploy/crds/${kind.group}_${kind.plural}.yaml`]: manifest(kind),
    [`docs/reference/${kind.kind.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase()}.md`]: referencePage(
      kind,
      conditions,
    ),
  }
}
