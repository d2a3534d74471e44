import type { Binaries } from '../binaries/ensure.ts'
import { type ClusterRecord, type ControlPlane, controlPlane } from '../control-plane/control-plane.ts'
import type { Journal } from '../processes/journal.ts'

/** A root cluster and leaf clusters on this machine, whoever started them. */
export interface Testbed {
  readonly name: string
  readonly dir: string
  readonly root: ControlPlane
  readonly leaves: readonly ControlPlane[]
  /** Absolute paths of the binaries that it uses, kubectl among them. */
  readonly bin: Binaries
  /** Where more processes and resources can be recorded, so that `down` removes them as well. */
  readonly journal: Journal
}

/** What the journal keeps of a test bed. */
export interface TestbedRecord {
  readonly name: string
  readonly root: ClusterRecord
  readonly leaves: readonly ClusterRecord[]
  readonly bin: Binaries
}

export function testbedOf(journal: Journal, record: TestbedRecord): Testbed {
  return {
    name: record.name,
    dir: journal.dir,
    root: controlPlane(journal, record.root),
    leaves: record.leaves.map((leaf) => controlPlane(journal, leaf)),
    bin: record.bin,
    journal,
  }
}

/** The object that `testbed up --json` prints: others read it, so its shape stays. */
export function summary({ name, root, leaves, bin }: Testbed): object {
  const cluster = ({ name, server, kubeconfig, pids, nodes }: ControlPlane) => ({
    name,
    server,
    kubeconfig,
    pids: pids(),
    nodes,
  })
  return { name, root: cluster(root), leaves: leaves.map(cluster), bin }
}
