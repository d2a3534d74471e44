import assert from 'node:assert/strict'
import { appendFileSync, cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type ToolSet, toolSets } from '../versions.ts'
import { commandName } from './build.ts'
import { binDir, moduleDir, thisPlatform, toolSetOf } from './cache.ts'
import { remainingSeconds } from './estimate.ts'
import { compareGo } from './go.ts'
import { proxies } from './toolchain.ts'

describe('the pinned tools', () => {
  for (const set of Object.keys(toolSets) as ToolSet[]) {
    it(`of ${set} have a Go module with checksums`, () => {
      assert.ok(existsSync(path.join(moduleDir(set), 'go.mod')))
      assert.ok(existsSync(path.join(moduleDir(set), 'go.sum')))
    })
  }

  it('are found by the name of a binary', () => {
    assert.equal(toolSetOf('ctr'), 'containerd')
    assert.equal(toolSetOf('toString'), undefined)
  })

  it('lie in a folder per platform', () => {
    const [a, b] = ['amd64', 'arm64'].map((arch) => binDir('etcd', '/cache', { os: 'linux', arch }))
    assert.match(a ?? '', /^\/cache\/bin\/linux-amd64\/etcd-v3\.6\.16-[0-9a-f]{12}$/)
    assert.notEqual(a, b)
  })

  it('lie in another folder when the source of a command of ours changes', () => {
    const module = mkdtempSync(path.join(os.tmpdir(), 'kosmos-module-'))
    try {
      cpSync(moduleDir('conformance'), module, { recursive: true })
      const folder = () => binDir('conformance', '/cache', thisPlatform, module)
      assert.equal(folder(), binDir('conformance', '/cache'))
      appendFileSync(path.join(module, 'e2e', 'main.go'), '// changed\n')
      assert.notEqual(folder(), binDir('conformance', '/cache'))
    } finally {
      rmSync(module, { recursive: true })
    }
  })

  it('are named by go build after the last element that is no version', () => {
    assert.equal(commandName('k8s.io/kubernetes/cmd/kubectl'), 'kubectl')
    assert.equal(commandName('go.etcd.io/etcd/server/v3'), 'server')
  })
})

describe('the estimate of a build', () => {
  it('is from experience at first and zero at the end', () => {
    assert.equal(remainingSeconds({ done: 0, total: 1000, elapsedSeconds: 0, cores: 2 }), 140)
    assert.equal(remainingSeconds({ done: 1000, total: 1000, elapsedSeconds: 300, cores: 2 }), 0)
  })

  it('is a finite number of seconds whatever happens', () => {
    const natural = fc.nat(5000)
    fc.assert(
      fc.property(natural, natural, natural, fc.integer({ min: 1, max: 64 }), (done, total, elapsedSeconds, cores) => {
        const seconds = remainingSeconds({ done, total, elapsedSeconds, cores })
        return Number.isFinite(seconds) && seconds >= 0
      }),
    )
  })
})

describe('the Go that is used', () => {
  it('must be new enough', () => {
    assert.ok(compareGo('go1.26.8', 'go1.26.8') === 0)
    assert.ok(compareGo('go1.26.10', 'go1.26.8') > 0)
    assert.ok(compareGo('go1.9', 'go1.26.8') < 0)
    assert.ok(compareGo('go1.27rc1', 'go1.26.8') > 0)
    assert.ok(compareGo('devel', 'go1.26.8') < 0)
  })

  it('comes from the proxies that GOPROXY names, else from the public one', () => {
    assert.deepEqual(proxies('https://a/,direct|http://b'), ['https://a', 'http://b'])
    assert.deepEqual(proxies('direct'), ['https://proxy.golang.org'])
    assert.deepEqual(proxies(undefined), ['https://proxy.golang.org'])
  })
})
