import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { loadAll } from 'js-yaml'
import { stillAskedForMs } from './webhook.ts'

const manifests = new URL('../../../../deploy/scheduler.yaml', import.meta.url)

describe('a replica that is to end', () => {
  it('is not killed by its Deployment while it is still asked, nor while the last question is answered', () => {
    interface Deployment {
      readonly kind: string
      readonly spec: { readonly template: { readonly spec: { readonly terminationGracePeriodSeconds: number } } }
    }
    const all = loadAll(readFileSync(manifests, 'utf8')) as Deployment[]
    const { terminationGracePeriodSeconds: grace = 30 } =
      all.find(({ kind }) => kind === 'Deployment')?.spec.template.spec ?? {}
    // A request or a handshake that is slow is given up after 10 s, and as long may the rest take.
    assert(grace * 1000 >= stillAskedForMs + 20_000, `${grace} s`)
  })
})
