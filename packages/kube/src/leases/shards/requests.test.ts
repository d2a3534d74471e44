import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { clientAnswered } from '../../client/answered.fixture.ts'
import type { Lease } from '../../objects/types.ts'
import { Member } from './member.ts'
import { leaseNames } from './names.ts'
import { evictMember, removeShard } from './requests.ts'

describe('a lease that a server wants to be deleted in an hour', { timeout: 120_000 }, () => {
  const [namespace, group, names] = ['default', 'shards', leaseNames('shards')] as const
  const later = { name: 'RequestAborted' }

  it('holds up neither the division of shards nor a replica that leaves', async (t) => {
    const client = await clientAnswered(t, ({ method }, response) => {
      if (method === 'DELETE') response.writeHead(429, { 'retry-after': '3600' }).end()
      else response.writeHead(201, { 'content-type': 'application/json' }).end('{"metadata":{"uid":"u"}}')
    })
    const lease = { metadata: { namespace, name: names.member('a'), uid: 'u', resourceVersion: '1' } } as Lease
    const where = { client, namespace, group, names, timeoutMs: 50 }
    await assert.rejects(evictMember(where, lease), later)
    await assert.rejects(removeShard(where, lease, 'me'), later)
    const timing = { leaseDurationMs: 1_000, renewDeadlineMs: 500, retryPeriodMs: 100 }
    const options = { client, namespace, group, names, identity: 'me', timing }
    const member = await Member.join(options, AbortSignal.timeout(10_000))
    await assert.rejects(member.leave(), later)
  })
})
