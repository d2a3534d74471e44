import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, it } from 'node:test'
import { clusterTreeFlags } from '@kosmos/cluster-tree/build'
import { nodeFlags } from '@kosmos/kube/build'
import { loadAll } from 'js-yaml'

interface Manifest {
  kind: string
  spec: { template: { spec: { containers: { command: string[] }[] } } }
}

for (const [name, file, flags] of [
  ['cluster-tree', 'clustertree.yaml', clusterTreeFlags],
  ['scheduler', 'scheduler.yaml', nodeFlags.manyChanges],
  ['cluster-link', 'clusterlink.yaml', nodeFlags.littleMemory],
  ['link-agent', 'link-agent.yaml', nodeFlags.littleMemory],
] as const) {
  describe(`the workload of ${name}`, () => {
    it('starts Node as the scenarios and benchmarks do', async () => {
      const manifests = loadAll(await readFile(path.resolve(import.meta.dirname, '../../deploy', file), 'utf8'))
      const workload = (manifests as Manifest[]).find(({ kind }) => kind === 'Deployment' || kind === 'DaemonSet')
      const [container] = workload?.spec.template.spec.containers ?? []
      assert.deepEqual(container?.command, ['node', ...flags, `/kosmos/${name}.mjs`])
    })
  })
}
