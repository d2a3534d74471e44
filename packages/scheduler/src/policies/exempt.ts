import { systemNamespace } from '@kosmos/api'

/** Whose pods wait by nothing that is said for many namespaces, lest the root itself waits for a scheduler that waits for it. */
export const exempt: readonly string[] = ['kube-system', systemNamespace]
