export { leafIdAnnotation, managedByLabel } from '@kosmos/api'

/** Annotation of the Cluster that join made: the name of its account in the leaf. */
export const leafAccountAnnotation = 'kosmos.io/leaf-account'

/** Annotation of the Secret with a leaf's credentials: an unjoin has done all in the leaf but to delete the account; how much had to stay. */
export const givenUpAnnotation = 'kosmos.io/leaf-given-up'

export const managedBy = 'kosmosctl'

/** The key of the credentials Secret that holds the kubeconfig. */
export const kubeconfigKey = 'kubeconfig'

/** Name of the Secret in the root with a leaf's kubeconfig. */
export function credentialsSecretName(cluster: string): string {
  return `cluster-${cluster}`
}

/** Name of everything that belongs to one root's account in a leaf. */
export function leafAccountName(rootId: string): string {
  return `kosmos-${rootId.replaceAll('-', '').slice(0, 12)}`
}
