import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, it } from 'node:test'
import { nodeFlags } from '@kosmos/kube/build'
import { loadAll } from 'js-yaml'

interface Manifest {
  kind: string
  spec: { template: { spec: { containers: { command: string[] }[] } } }
}

for (const [name, file] of [
  ['cluster-tree', 'clustertree.yaml'],
  ['scheduler', 'scheduler.yaml'],
] as const) {
  describe(`the Deployment of ${name}`, () => {
    it('starts Node as the scenarios and benchmarks do', async () => {
      const manifests = loadAll(await readFile(path.resolve(import.meta.dirname, '../../deploy', file), 'utf8'))
      const deployment = (manifests as Manifest[]).find(({ kind }) => kind === 'Deployment')
      const [container] = deployment?.spec.template.spec.containers ?? []
      assert.deepEqual(container?.command, ['node', ...nodeFlags, `/kosmos/${name}.mjs`])
    })
  })
}
