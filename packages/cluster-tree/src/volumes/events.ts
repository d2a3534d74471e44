import { clusterLabel, leafProvisioner } from '@kosmos/api'
import type { Notice } from '../root/events.ts'
import type { Whereabouts } from './whereabouts.ts'

export const dataSourceUnsupported: Notice = {
  type: 'Warning',
  reason: 'DataSourceUnsupported',
  action: 'Provisioning',
  note: 'Volumes in leaves can be clones of other claims there, and cannot be made from a snapshot: take another dataSource, or none',
}

export const dataSourceElsewhere = (source: string, found: Whereabouts, cluster: string): Notice => ({
  type: 'Warning',
  reason: 'DataSourceElsewhere',
  action: 'Provisioning',
  note: `A clone lies where its source does, and PersistentVolumeClaim ${source} ${saidOf(found, cluster)}`,
})

function saidOf(found: Whereabouts, cluster: string): string {
  switch (found.kind) {
    case 'nowhere':
      return found.exists
        ? 'has no volume yet: it gets one with its first pod'
        : 'does not exist; it is made when that does'
    case 'root':
      return `has its volume in the root, not in Cluster ${cluster}: take a source whose StorageClass has provisioner ${leafProvisioner}, or copy the data`
    case 'leaf':
      return found.cluster === cluster
        ? `is not to be had in Cluster ${cluster} any more: its own pods and Events say why`
        : `is in Cluster ${found.cluster}, while ${cluster} was chosen for the pod: make the pod anew with nodeSelector ${clusterLabel}: ${found.cluster}`
  }
}

export const attributesClassUnknown = (cluster: string): Notice => ({
  type: 'Warning',
  reason: 'AttributesClassUnsupported',
  action: 'CopyingClaim',
  note: `Cluster ${cluster} does not know VolumeAttributesClasses, as Kubernetes 1.34 and later do: the volume is as its StorageClass makes it`,
})

export const claimRefused = (cluster: string, said: string): Notice => ({
  type: 'Warning',
  reason: 'RefusedByLeaf',
  action: 'CopyingClaim',
  note: `Cluster ${cluster} does not accept the PersistentVolumeClaim: ${said}`,
})
