import { type KubeObject, resource } from '@kosmos/kube'
import { csiHostPathRights } from './csi-hostpath-rights.ts'
import type { Manifest } from './manifest.ts'

export interface CsiHostPathOptions {
  readonly image: string
  /** Bytes that all volumes of a node may have together. */
  readonly capacity: number
}

export interface DaemonSet extends KubeObject {
  readonly status?: { readonly desiredNumberScheduled?: number; readonly numberReady?: number }
}

export const namespace = 'kube-system'
/** Of the DaemonSet, the StorageClass and all else. */
export const csiHostPathName = 'csi-hostpath'
/** Name of the driver, which is ours; upstream's is hostpath.csi.k8s.io. */
export const csiHostPathDriver = 'hostpath.csi.kosmos.io'
/** Folder on the node where each volume is a file. */
export const csiHostPathData = '/var/lib/csi-hostpath'

export const daemonSets = resource<DaemonSet>('apps/v1', 'DaemonSet', 'daemonsets', 'Namespaced')
const csiDrivers = resource('storage.k8s.io/v1', 'CSIDriver', 'csidrivers', 'Cluster')
const storageClasses = resource('storage.k8s.io/v1', 'StorageClass', 'storageclasses', 'Cluster')

const kubelet = '/var/lib/kubelet'
const plugin = `${kubelet}/plugins/${csiHostPathName}`
const socket = `${plugin}/csi.sock`

/**
 * A CSI driver on every node, with external-provisioner as its documentation says for node-local volumes (README.md,
 * "Deployment on each node"), and external-resizer; and a StorageClass for it.
 */
export function csiHostPath(options: CsiHostPathOptions): Manifest[] {
  return [
    ...csiHostPathRights(namespace, csiHostPathName),
    {
      resource: csiDrivers,
      object: {
        metadata: { name: csiHostPathDriver },
        spec: {
          attachRequired: false,
          podInfoOnMount: false,
          storageCapacity: true,
          fsGroupPolicy: 'File',
          volumeLifecycleModes: ['Persistent'],
        },
      },
    },
    {
      resource: storageClasses,
      object: {
        metadata: { name: csiHostPathName },
        provisioner: csiHostPathDriver,
        parameters: { 'csi.storage.k8s.io/fstype': 'xfs' },
        reclaimPolicy: 'Delete',
        volumeBindingMode: 'WaitForFirstConsumer',
        allowVolumeExpansion: true,
      },
    },
    {
      resource: daemonSets,
      object: {
        metadata: { name: csiHostPathName, namespace },
        spec: {
          selector: { matchLabels: { app: csiHostPathName } },
          template: { metadata: { labels: { app: csiHostPathName } }, spec: podSpec(options) },
        },
      },
    },
  ]
}

function podSpec({ image, capacity }: CsiHostPathOptions): object {
  const env = Object.entries({ NODE_NAME: 'spec.nodeName', POD_NAME: 'metadata.name', NAMESPACE: 'metadata.namespace' })
  const container = (name: string, command: string, args: readonly string[]) => ({
    name,
    image,
    imagePullPolicy: 'IfNotPresent',
    command: [command],
    args,
    env: env.map(([name, fieldPath]) => ({ name, valueFrom: { fieldRef: { fieldPath } } })),
    resources: { requests: { cpu: '10m', memory: '20Mi' } },
  })
  const sidecar = (name: string, args: readonly string[]) => ({
    ...container(name, `/${name}`, [`--csi-address=${socket}`, ...args]),
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, readOnlyRootFilesystem: true },
    volumeMounts: [{ name: 'plugin', mountPath: plugin }],
  })
  return {
    serviceAccountName: csiHostPathName,
    priorityClassName: 'system-node-critical',
    // On a simulated node nothing would run.
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'type', operator: 'NotIn', values: ['kwok'] }] }],
        },
      },
    },
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        ...container('driver', '/csi-hostpath', [
          `--name=${csiHostPathDriver}`,
          '--node=$(NODE_NAME)',
          `--data=${csiHostPathData}`,
          `--capacity=${capacity}`,
          `--socket=${socket}`,
          `--registration=${kubelet}/plugins_registry/${csiHostPathDriver}-reg.sock`,
          `--kubelet-socket=${socket}`,
        ]),
        // It mounts, for the kubelet and for pods to see, and makes loop devices.
        securityContext: { privileged: true },
        volumeMounts: [
          { name: 'plugin', mountPath: plugin },
          { name: 'kubelet', mountPath: kubelet, mountPropagation: 'Bidirectional' },
          { name: 'data', mountPath: csiHostPathData },
          { name: 'dev', mountPath: '/dev' },
        ],
      },
      sidecar('csi-provisioner', [
        '--node-deployment',
        '--node-deployment-base-delay=1s',
        '--strict-topology',
        '--immediate-topology=false',
        '--enable-capacity',
        '--capacity-poll-interval=5s',
        '--retry-interval-max=10s',
      ]),
      sidecar('csi-resizer', ['--leader-election', '--retry-interval-max=10s']),
    ],
    volumes: [
      { name: 'plugin', hostPath: { path: plugin, type: 'DirectoryOrCreate' } },
      { name: 'kubelet', hostPath: { path: kubelet, type: 'Directory' } },
      { name: 'data', hostPath: { path: csiHostPathData, type: 'DirectoryOrCreate' } },
      { name: 'dev', hostPath: { path: '/dev', type: 'Directory' } },
    ],
  }
}
