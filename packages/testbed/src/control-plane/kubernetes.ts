import { type OtherKubernetes, otherKubernetes } from '../versions.ts'

/** Another version of Kubernetes for the control plane of the root, or of the leaves, than the test bed is for. */
export interface KubernetesOf {
  readonly root?: OtherKubernetes | undefined
  readonly leaves?: OtherKubernetes | undefined
}

/**
 * `KOSMOS_ROOT_KUBERNETES` and `KOSMOS_LEAF_KUBERNETES`, so that every scenario can be run with other versions.
 * @throws TypeError for a version that is not pinned
 */
export function kubernetesOf(env: Readonly<Record<string, string | undefined>>): KubernetesOf {
  const version = (variable: string): OtherKubernetes | undefined => {
    const wanted = env[variable]
    if (!wanted) return undefined
    const found = otherKubernetes.find((known) => known === wanted)
    if (found) return found
    throw new TypeError(`${variable}=${wanted}: write one of ${otherKubernetes.join(', ')}, or leave it out`)
  }
  return { root: version('KOSMOS_ROOT_KUBERNETES'), leaves: version('KOSMOS_LEAF_KUBERNETES') }
}
