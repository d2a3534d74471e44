import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ctx, rootPod } from '../../fixture.ts'
import { translate } from '../translate.ts'

describe('a root pod that asks for what only its virtual node has', () => {
  const licence = 'example.com/licence'
  const amounts = { cpu: '1', 'example.com/gpu': '1', [licence]: '2' }
  const container = { name: 'main', image: 'nginx', resources: { requests: amounts, limits: amounts } }
  const root = rootPod({ spec: { containers: [container], initContainers: [{ ...container, name: 'first' }] } })
  const asked = (rootResources?: readonly string[]) => {
    const { containers, initContainers = [] } = translate(root, { ...ctx, ...(rootResources && { rootResources }) }).pod
      .spec
    return [...containers, ...initContainers].map(({ resources }) => resources)
  }

  it('asks the leaf for the rest', () => {
    const { [licence]: _, ...rest } = amounts
    const wanted = { requests: rest, limits: rest }
    assert.deepEqual(asked([licence]), [wanted, wanted])
  })

  it('asks the leaf for all where nothing is advertised', () => {
    const wanted = { requests: amounts, limits: amounts }
    assert.deepEqual(asked(), [wanted, wanted])
  })
})
