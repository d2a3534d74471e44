import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseOptions } from './options.ts'

const needed = ['--node', 'worker-1', '--node-config', 'east-worker-1']
const parse = (...args: string[]) => parseOptions(args, {})

describe('the command line of the agent', () => {
  it('names the node and its NodeConfig', () => {
    const { node, nodeConfig, autodetection, stateDir, remove } = parse(...needed)
    assert.deepEqual([node, nodeConfig], ['worker-1', 'east-worker-1'])
    assert.deepEqual(autodetection, { method: 'first-found' })
    assert.equal(stateDir, '/var/lib/kosmos/link')
    assert.equal(remove, false)
    assert.throws(() => parse('--node', 'worker-1'), /--node-config NAME is needed/)
    assert.throws(() => parse('--node-config', 'east'), /--node NAME is needed/)
  })

  it('may ask to take everything away, of a node that has no NodeConfig any more', () => {
    assert.equal(parse('--remove').remove, true)
    assert.equal(parse('--remove', '--state-dir', '/x').stateDir, '/x')
    assert.equal(parse(...needed, '--remove', 'false').remove, false)
    assert.throws(() => parse('--remove=perhaps'), /true or false/)
  })

  it('says what is wrong with the way to find the interface', () => {
    assert.deepEqual(parse(...needed, '--autodetection', 'can-reach=192.0.2.9').autodetection, {
      method: 'can-reach',
      address: '192.0.2.9',
    })
    assert.throws(() => parse(...needed, '--autodetection', 'luck'), /--autodetection luck: first-found.*Usage/s)
  })
})
