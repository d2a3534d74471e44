import { ephemeralClaimName } from '../../../volumes/claim.ts'
import { type PodMutation, withSpec } from '../translation.ts'

/**
 * An ephemeral volume is a claim that the root has made for the pod (KEP-1698); its copy is in the leaf, where nobody must make
 * another.
 */
export const claimEphemeralVolumes: PodMutation = (translation, root) => {
  const { spec } = translation.pod
  if (!spec.volumes?.some(({ ephemeral }) => ephemeral)) return translation
  const volumes = spec.volumes.map(({ ephemeral, ...volume }) =>
    ephemeral
      ? { ...volume, persistentVolumeClaim: { claimName: ephemeralClaimName(root.metadata.name, volume.name) } }
      : volume,
  )
  return withSpec(translation, { ...spec, volumes })
}
