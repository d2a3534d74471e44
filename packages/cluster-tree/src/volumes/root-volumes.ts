import { clusterLabel, systemNamespace } from '@kosmos/api'
import {
  type Client,
  type CSIStorageCapacity,
  csiStorageCapacities,
  Informer,
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
  storageClasses,
} from '@kosmos/kube'
import { awaitedSource } from './data-source.ts'
import type { RootVolumes } from './placement.ts'
import { claimKeyOf } from './volume.ts'

/** Watches what of the root's storage concerns leaves; nothing is followed yet. */
export function watchVolumes(client: Client): RootVolumes {
  return {
    claims: new Informer({
      client,
      resource: persistentVolumeClaims,
      indexes: {
        unbound: ({ spec }: PersistentVolumeClaim) => (spec?.volumeName ? [] : [spec?.storageClassName ?? '']),
        cloneOf: (claim: PersistentVolumeClaim) => {
          const source = awaitedSource(claim)
          return source === undefined ? [] : [source]
        },
      },
    }),
    volumes: new Informer({
      client,
      resource: persistentVolumes,
      labelSelector: clusterLabel,
      indexes: { claim: (volume: PersistentVolume) => [claimKeyOf(volume)] },
    }),
    classes: new Informer({ client, resource: storageClasses }),
    capacities: new Informer({
      client,
      resource: csiStorageCapacities,
      namespace: systemNamespace,
      labelSelector: clusterLabel,
      indexes: { class: ({ storageClassName }: CSIStorageCapacity) => [storageClassName] },
    }),
  }
}
