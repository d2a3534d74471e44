import assert from 'node:assert/strict'
import { chmod, mkdir } from 'node:fs/promises'
import path from 'node:path'
import { type ControlPlane, ensureForeignImages, type ImageName } from '@kosmos/testbed'
import { type Platform, startPlatform } from '../platform/platform.ts'
import { withoutTaint } from '../platform/tree-options.ts'
import { type Software, software } from './software.ts'

const STORAGE_CLASS = 'standard'
const VOLUMES = 4

export interface CompatibilityPlatform extends Platform {
  /** The real kubectl against the root; throws unless it succeeds. */
  must(...args: string[]): Promise<string>
  /** As `kubectl apply --server-side`, which takes CRDs of any size. */
  install(manifests: readonly object[]): Promise<void>
}

/**
 * A root with a leaf of one real node that has the images of some software. Pods go there without a toleration, and
 * claims get volumes by the default class, so that manifests are applied as their projects publish them.
 */
export async function startFor(name: Software, images: readonly ImageName[] = []): Promise<CompatibilityPlatform> {
  const archives = await ensureForeignImages(software[name])
  const platform = await startPlatform(name, { leaves: 1, nodes: 'real:1', images: ['busybox', ...images], archives })
  try {
    await withoutTaint(platform.root, 'leaf1')
    await offerVolumes(platform)
  } catch (error) {
    await platform.down()
    throw error
  }
  const must = async (...args: string[]) => {
    const { code, stdout, stderr } = await platform.kubectl(args)
    assert.equal(code, 0, `kubectl ${args.join(' ')}: ${stderr}`)
    return stdout
  }
  return {
    ...platform,
    must,
    install: async (items) => {
      const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
      const { code, stderr } = await platform.kubectl(['apply', '--server-side', '-f', '-'], list)
      assert.equal(code, 0, stderr)
    },
  }
}

const storageClass = (provisioner: string, annotations: Readonly<Record<string, string>> = {}) => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name: STORAGE_CLASS, annotations },
  provisioner,
  volumeBindingMode: 'WaitForFirstConsumer',
})

/** Folders of the node as volumes of the leaf, and in the root the default class that leads to them. */
async function offerVolumes({ testbed, apply, kubectlIn }: Platform): Promise<void> {
  const [leaf] = testbed.leaves
  assert(leaf)
  const folders = Array.from({ length: VOLUMES }, (_, i) => path.join(testbed.dir, 'volumes', `${i}`))
  for (const folder of folders) {
    await mkdir(folder, { recursive: true })
    // A kubelet gives folders of the host to nobody (fsGroup does not hold for hostPath).
    await chmod(folder, 0o777)
  }
  const items = [storageClass('kubernetes.io/no-provisioner'), ...folders.map(volume)]
  await applyIn(kubectlIn, leaf, items)
  await apply(storageClass('leaf.kosmos.io', { 'storageclass.kubernetes.io/is-default-class': 'true' }))
}

function volume(folder: string) {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: `folder-${path.basename(folder)}` },
    spec: {
      capacity: { storage: '2Gi' },
      accessModes: ['ReadWriteOnce'],
      storageClassName: STORAGE_CLASS,
      persistentVolumeReclaimPolicy: 'Retain',
      hostPath: { path: folder, type: 'Directory' },
    },
  }
}

/** Applies manifests in a leaf, as who runs it does. */
export async function applyIn(
  kubectlIn: Platform['kubectlIn'],
  cluster: ControlPlane,
  items: readonly object[],
): Promise<void> {
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
  const { code, stderr } = await kubectlIn(cluster, ['apply', '-f', '-'], list)
  assert.equal(code, 0, stderr)
}
