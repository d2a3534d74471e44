import { mkdtempSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { ensureBinaries } from '../binaries/ensure.ts'
import { createClusterPki } from '../pki/cluster.ts'
import { guard } from '../processes/guard.ts'
import { Journal } from '../processes/journal.ts'
import { launch } from '../processes/launch.ts'
import { allowFileWatchers } from '../processes/limits.ts'
import { tearDown } from '../processes/teardown.ts'
import { type Progress, silent } from '../progress.ts'
import type { OtherKubernetes } from '../versions.ts'
import { clusterNetwork, freeLoopbackAddress, isFree, PortTaken, ports } from './address.ts'
import { binaryOf, type ComponentName, componentSpec, type Flags } from './components.ts'
import { type ClusterRecord, type ControlPlane, controlPlane } from './control-plane.ts'
import { kubernetesOf } from './kubernetes.ts'

export interface ClusterPlan {
  readonly name: string
  /** Place in the test bed, 0 is the root: decides about address ranges. */
  readonly index: number
  readonly components: readonly ComponentName[]
  /** Address and port that nodes outside the host's network namespace can reach; default: a loopback address. */
  readonly listen?: { readonly address: string; readonly port: number }
  readonly apiServerFlags?: Flags | undefined
  /** Default: the version that the test bed is for. */
  readonly kubernetes?: OtherKubernetes | undefined
}

/** Starts the components of one cluster below the journal's folder and returns its handle when all are healthy. */
export async function startCluster(
  journal: Journal,
  plan: ClusterPlan,
  progress: Progress = silent,
): Promise<ControlPlane> {
  allowFileWatchers()
  const programs = plan.components.map((component) => [component, binaryOf(component, plan.kubernetes)] as const)
  const files = await ensureBinaries(
    programs.map(([, program]) => program),
    progress,
  )
  const bin = Object.fromEntries(programs.map(([component, program]) => [component, files[program]]))
  const loopback = await freeLoopbackAddress()
  const { address, port } = plan.listen ?? { address: loopback, port: ports.apiserver }
  if (!(await isFree(address, port))) throw new PortTaken(port)
  const network = clusterNetwork(plan.index)
  const dir = path.join(journal.dir, plan.name)
  const server = `https://${address}:${port}`
  const pki = await createClusterPki({
    cluster: plan.name,
    server,
    addresses: [loopback, address],
    serviceAddress: network.serviceAddress,
    dir: path.join(dir, 'pki'),
  })
  const spec = (component: ComponentName) =>
    componentSpec(
      {
        name: plan.name,
        dir,
        pki,
        network,
        loopback,
        listenAddress: address,
        port,
        bin: bin as Record<ComponentName, string>,
        apiServerFlags: plan.apiServerFlags,
      },
      component,
    )
  const has = (component: ComponentName): boolean => plan.components.includes(component)
  if (has('etcd')) await launch(journal, spec('etcd'))
  if (has('kube-apiserver')) await launch(journal, spec('kube-apiserver'))
  // Their RBAC exists only once /readyz is ok; started earlier they would exit.
  const rest = (['kube-controller-manager', 'kube-scheduler'] as const).filter(has)
  await Promise.all(rest.map((component) => launch(journal, spec(component))))

  const record: ClusterRecord = {
    name: plan.name,
    server,
    kubeconfig: pki.file('admin.kubeconfig'),
    ca: pki.ca,
    adminToken: pki.adminToken,
    dir,
    network,
    loopback,
    nodes: [],
  }
  return controlPlane(journal, record)
}

const policyKinds = ['mutatingadmissionpolicies', 'mutatingadmissionpolicybindings']
/** Flags that make an API server serve no MutatingAdmissionPolicies, as before Kubernetes 1.36. */
export const withoutAdmissionPolicies: Flags = {
  'runtime-config': policyKinds.map((plural) => `admissionregistration.k8s.io/v1/${plural}=false`).join(),
  'disable-admission-plugins': 'MutatingAdmissionPolicy',
}

export interface StartControlPlaneOptions {
  readonly name?: string
  /** Default: etcd and kube-apiserver, enough for tests of clients. */
  readonly components?: readonly ComponentName[]
  /** An absolute folder for everything of it, which {@link ControlPlane.stop} removes; default: a new temporary one. */
  readonly dir?: string
  readonly progress?: Progress
  /** Flags of the API server beside its own: what another version of Kubernetes would not have. */
  readonly apiServerFlags?: Flags
}

/**
 * A cluster of its own, for a test. It ends with `stop()`, or with the process that started it, however that one dies.
 * Takes about 5 s.
 */
export async function startControlPlane(options: StartControlPlaneOptions = {}): Promise<ControlPlane> {
  const { name = 'cluster', components = ['etcd', 'kube-apiserver'], progress = silent, apiServerFlags } = options
  const dir = options.dir ?? mkdtempSync(path.join(os.tmpdir(), 'kosmos-cluster-'))
  const journal = new Journal(dir)
  const release = guard(dir)
  const end = async (): Promise<void> => {
    release()
    await tearDown(journal, 0)
  }
  try {
    const { root, leaves } = kubernetesOf(process.env)
    const kubernetes = name.startsWith('leaf') ? leaves : root
    const started = await startCluster(journal, { name, index: 0, components, apiServerFlags, kubernetes }, progress)
    return { ...started, stop: end }
  } catch (error) {
    await end()
    throw error
  }
}
