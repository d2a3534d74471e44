import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Outcome } from '@kosmos/kube'
import { nodeIdentities } from '@kosmos/kubelet'
import { AsNode } from './as-node.ts'

const [constrained, classic, own] = nodeIdentities('vn')

/** A root that lets itself be asked by these identities only. */
function rootAllowing(...allowed: unknown[]) {
  const asked: unknown[] = []
  const request = async (headers: object): Promise<Outcome<string>> => {
    asked.push(headers)
    if (allowed.some((one) => JSON.stringify(one) === JSON.stringify(headers))) return { ok: true, object: 'token' }
    return { ok: false, reason: 'Forbidden', status: { message: 'cannot impersonate resource "users"' } }
  }
  return { asked, allowed, request }
}

describe('a request as a node', () => {
  it('goes by the narrowest identity that the root allows, without asking by the others again', async () => {
    const { asked, request } = rootAllowing(classic, own)
    const asNode = new AsNode()
    await asNode.send('vn', request)
    await asNode.send('vn', request)
    assert.deepEqual(asked, [constrained, classic, classic])
  })

  it('goes by another identity when the root takes back the right to the one that was used', async () => {
    const { allowed, request } = rootAllowing(constrained)
    const asNode = new AsNode()
    assert.ok((await asNode.send('vn', request)).ok)
    allowed.splice(0, 1, own)
    assert.ok((await asNode.send('vn', request)).ok)
  })
})
