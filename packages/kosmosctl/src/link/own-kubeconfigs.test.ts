import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseClusterKubeconfig } from './own-kubeconfigs.ts'

describe('kubeconfigs of one’s own', () => {
  it('are gathered by the names of clusters', () => {
    const one = parseClusterKubeconfig('paris=./paris=1.kubeconfig')
    assert.deepEqual(
      [...parseClusterKubeconfig('rome=rome.kubeconfig', one)],
      [
        ['paris', { file: './paris=1.kubeconfig' }],
        ['rome', { file: 'rome.kubeconfig' }],
      ],
    )
  })

  it('need a name and a file', () => {
    for (const wrong of ['paris', '=file', 'paris='])
      assert.throws(() => parseClusterKubeconfig(wrong), /Write it like/)
  })
})
