import { dump } from 'js-yaml'
import { clusterKind } from './cluster/cluster.ts'
import { clusterConditions } from './cluster/conditions.ts'
import { customResourceDefinition } from './crd.ts'
import { referencePage } from './reference.ts'
import type { Kind } from './schema/kind.ts'

const notice = '# Generated from packages/api by `npm run generate`; do not edit.\n'

const manifest = (kind: Kind) => notice + dump(customResourceDefinition(kind), { lineWidth: 120, noRefs: true })

/** Files that are written from the schemas: path from the repository's root → content. */
export const generatedFiles: Readonly<Record<string, string>> = {
  [`deploy/crds/${clusterKind.group}_${clusterKind.plural}.yaml`]: manifest(clusterKind),
  'docs/reference/cluster.md': referencePage(clusterKind, clusterConditions),
}
