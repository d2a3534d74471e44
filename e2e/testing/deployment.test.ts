import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, it } from 'node:test'
import { nodeFlags } from '@kosmos/cluster-tree/build'
import { loadAll } from 'js-yaml'

interface Manifest {
  kind: string
  spec: { template: { spec: { containers: { command: string[] }[] } } }
}

describe('the Deployment of cluster-tree', () => {
  it('starts Node as the scenarios and benchmarks do', async () => {
    const file = path.resolve(import.meta.dirname, '../../deploy/clustertree.yaml')
    const manifests = loadAll(await readFile(file, 'utf8')) as Manifest[]
    const deployment = manifests.find(({ kind }) => kind === 'Deployment')
    assert.deepEqual(deployment?.spec.template.spec.containers[0]?.command, [
      'node',
      ...nodeFlags,
      '/kosmos/cluster-tree.mjs',
    ])
  })
})
