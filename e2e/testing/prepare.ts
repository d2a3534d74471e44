import { ensureBinaries, type Progress } from '@kosmos/testbed'

/** What test beds of every machine run. */
const anywhere = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubectl',
  'kwok',
  'stage-fast.yaml',
]

/** What real nodes and their pods run besides, which need root. */
const onRealNodes = [
  ...['kubelet', 'kube-proxy', 'containerd', 'containerd-shim-runc-v2', 'ctr', 'pause', 'coredns', 'agnhost'],
  ...['e2e.test', 'virtual-kubelet-e2e', 'metrics-server', 'csi-hostpath', 'csi-provisioner', 'csi-resizer'],
]

/**
 * Has the programs of the whole suite before its first test on clusters: on a fresh machine a test would wait longer for compilers than it
 * may, and one build of many is shorter than many builds. What cannot be had is told, and is the failure of the tests that need it.
 */
export async function prepareBinaries(progress: Progress): Promise<void> {
  const names = [...anywhere, ...(process.getuid?.() === 0 ? onRealNodes : [])]
  try {
    await ensureBinaries(names, progress)
  } catch (error) {
    progress.step((error as Error).message)
  }
}
