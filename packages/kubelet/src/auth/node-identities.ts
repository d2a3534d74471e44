/**
 * As whom a request of a node is sent, as headers, best first: the node with the constrained right of Kubernetes 1.36 (KEP-5284; the
 * API server fills in the groups), the node by classic impersonation, ourselves.
 */
export function nodeIdentities(nodeName: string): readonly Readonly<Record<string, string>>[] {
  const user = { 'Impersonate-User': `system:node:${nodeName}` }
  return [user, { ...user, 'Impersonate-Group': 'system:nodes' }, {}]
}
