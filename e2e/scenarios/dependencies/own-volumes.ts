import { clusterLabel, rootClusterLabel, rootUidAnnotation } from '@kosmos/api'
import {
  type Client,
  Controller,
  Informer,
  type KubeObject,
  type ObjectKey,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  storageClasses,
  unwrap,
} from '@kosmos/kube'

const CLASS = 'scratch'
/** One pod of so many has a volume of its own. */
const EVERY = 4

/** A pod that has, if its number says so, a volume that comes and goes with it. */
export function scratching<P extends { readonly metadata: { readonly name: string }; readonly spec: object }>(
  pod: P,
): P {
  if (Number(pod.metadata.name.split('-').at(-1)) % EVERY !== 0) return pod
  const spec = {
    accessModes: ['ReadWriteOnce'],
    storageClassName: CLASS,
    resources: { requests: { storage: '1Mi' } },
  }
  const volume = { name: CLASS, ephemeral: { volumeClaimTemplate: { spec } } }
  const { volumes = [] } = pod.spec as { readonly volumes?: readonly object[] }
  return { ...pod, spec: { ...pod.spec, volumes: [...volumes, volume] } }
}

/** Makes the class of the root, and in each leaf that of its own with somebody who makes its volumes until the signal aborts. */
export async function provideVolumes(
  root: Client,
  leaves: readonly Client[],
  namespace: string,
  signal: AbortSignal,
): Promise<void> {
  const storageClass = (provisioner: string, volumeBindingMode: string) =>
    ({ metadata: { name: CLASS }, provisioner, volumeBindingMode }) as object as KubeObject
  unwrap(await root.create(storageClasses, storageClass('leaf.kosmos.io', 'WaitForFirstConsumer')))
  for (const leaf of leaves) {
    unwrap(await leaf.create(storageClasses, storageClass('scratch.example', 'Immediate')))
    void provision(leaf, namespace, signal)
  }
}

/** Pods on simulated nodes write nothing: a volume is its object, which the leaf's own controllers delete again. */
async function provision(leaf: Client, namespace: string, signal: AbortSignal): Promise<void> {
  const claims = new Informer({ client: leaf, resource: persistentVolumeClaims, namespace })
  const controller = new Controller<ObjectKey>({
    name: 'scratch',
    reconcile: async (key) => {
      const claim = claims.get(key)
      if (!claim || claim.spec?.volumeName || claim.spec?.storageClassName !== CLASS) return
      const outcome = await leaf.create(persistentVolumes, volumeFor(claim))
      if (!outcome.ok && outcome.reason !== 'AlreadyExists') unwrap(outcome)
      return
    },
  }).watch(claims, ({ key }) => [key])
  await Promise.all([claims.run(signal), controller.run(signal)])
}

function volumeFor({ metadata, spec }: PersistentVolumeClaim): KubeObject {
  const { name, namespace, uid } = metadata
  const volume = {
    metadata: { name: `${CLASS}-${uid}` },
    spec: {
      capacity: { storage: '1Mi' },
      accessModes: spec?.accessModes,
      storageClassName: CLASS,
      persistentVolumeReclaimPolicy: 'Delete',
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid },
      // The leaf's controller-manager deletes such volumes itself, with the folder, which there never is.
      hostPath: { path: `/tmp/kosmos-${CLASS}/${uid}` },
    },
  }
  return volume as object as KubeObject
}

/** What is amiss with the claims and volumes of a namespace, in the root and in the leaves. */
export async function compareVolumes(
  root: Client,
  leaves: readonly Client[],
  namespace: string,
  rootId: string,
): Promise<string[]> {
  const [owners, claims, volumes] = await Promise.all([
    root.listAll(pods, { namespace }),
    root.listAll(persistentVolumeClaims, { namespace }),
    root.listAll(persistentVolumes, { labelSelector: clusterLabel }),
  ])
  const uids = new Set(claims.map(({ metadata }) => metadata.uid))
  const inLeaves = await Promise.all(leaves.map((leaf) => compareLeaf(leaf, claims, namespace, rootId)))
  return [
    ...owners.flatMap((pod) => missingClaim(pod, claims)),
    ...claims
      .filter(({ metadata }) => !owners.some((pod) => pod.metadata.uid === metadata.ownerReferences?.[0]?.uid))
      .map(({ metadata }) => {
        const [owner] = metadata.ownerReferences ?? []
        const successor = owners.find((pod) => pod.metadata.name === owner?.name)?.metadata.uid
        const pods = `its pod ${owner?.uid} is gone, of that name there is ${successor ?? 'none'}`
        return `root: claim ${metadata.name} is there${fateOf(metadata)}, made at ${metadata.creationTimestamp}, and ${pods}`
      }),
    ...volumesWithout(uids, volumes).map((name) => `root: volume ${name} is there, and its claim is gone`),
    ...inLeaves.flat(),
  ]
}

const fateOf = ({ deletionTimestamp, finalizers = [] }: PersistentVolumeClaim['metadata']): string =>
  deletionTimestamp === undefined ? '' : `, deleted at ${deletionTimestamp}, kept by ${finalizers.join() || 'nobody'}`

async function compareLeaf(
  leaf: Client,
  claims: readonly PersistentVolumeClaim[],
  namespace: string,
  rootId: string,
): Promise<string[]> {
  const labelSelector = `${rootClusterLabel}=${rootId}`
  const copies = await leaf.listAll(persistentVolumeClaims, { namespace, labelSelector })
  const volumes = await leaf.listAll(persistentVolumes)
  const owners = new Map(claims.map((claim) => [claim.metadata.uid, claim]))
  return [
    ...copies.flatMap(({ metadata, status }) => {
      if (!owners.has(metadata.annotations?.[rootUidAnnotation] ?? ''))
        return [`claim ${metadata.name} is there, and the root's is gone`]
      return status?.phase === 'Bound' ? [] : [`claim ${metadata.name} is ${status?.phase}`]
    }),
    ...volumesWithout(new Set(copies.map(({ metadata }) => metadata.uid)), volumes).map(
      (name) => `volume ${name} is there, and its claim is gone`,
    ),
  ].map((what) => `${leaf.name}: ${what}`)
}

function missingClaim({ metadata, spec }: Pod, claims: readonly PersistentVolumeClaim[]): string[] {
  if (!spec.volumes?.some(({ ephemeral }) => ephemeral)) return []
  const name = `${metadata.name}-${CLASS}`
  const claim = claims.find((claim) => claim.metadata.name === name)
  return claim?.status?.phase === 'Bound' ? [] : [`root: claim ${name} is ${claim?.status?.phase ?? 'not there'}`]
}

function volumesWithout(claims: ReadonlySet<string>, volumes: readonly PersistentVolume[]): string[] {
  return volumes.filter(({ spec }) => !claims.has(spec?.claimRef?.uid ?? '')).map(({ metadata }) => metadata.name)
}
