import type { PodMutation } from '../translation.ts'

/**
 * Refuses pods that ask for devices by ResourceClaim (KEP-4381): the root's scheduler has allocated devices that the root knows, and
 * in the leaf the pod would wait for a claim that nobody makes, or get a stranger's of that name.
 */
export const refuseDeviceClaims: PodMutation = (translation) => {
  const { resourceClaims = [] } = translation.pod.spec
  if (resourceClaims.length === 0) return translation
  const names = resourceClaims.map(({ name }) => name).join(', ')
  const message = `the pod asks for devices by ResourceClaim (${names}), which do not come along to leaves. Ask for them as a resource of the container (limits: example.com/gpu), or keep the pod off virtual nodes`
  return { ...translation, problems: [...translation.problems, { reason: 'ResourceClaimNotCarried', message }] }
}
