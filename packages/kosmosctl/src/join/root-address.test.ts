import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { defaultAddress, parseRootAddress } from './root-address.ts'

describe("where pods reach the root's API server", () => {
  it('is by default where the person who joins reaches it', () => {
    assert.equal(defaultAddress('https://root.example.org:6443'), 'https://root.example.org:6443')
    assert.equal(defaultAddress('https://root.example.org/'), 'https://root.example.org')
    assert.equal(defaultAddress('https://[fd00::1]:6443'), 'https://[fd00::1]:6443')
  })

  it('is nowhere by default if only this machine reaches it there, or clients in pods could not', () => {
    for (const server of [
      'https://127.0.0.1:6443',
      'https://localhost:6443',
      'https://rancher.example/k8s/clusters/c-1',
    ]) {
      assert.equal(defaultAddress(server), undefined)
    }
  })

  it('is taken as host and port alone', () => {
    assert.equal(parseRootAddress('https://10.0.0.1:6443/'), 'https://10.0.0.1:6443')
    assert.equal(parseRootAddress('none'), 'none')
    for (const wrong of ['http://10.0.0.1', '10.0.0.1:6443', 'https://a/b', 'https://user@a', '']) {
      assert.throws(() => parseRootAddress(wrong), /https:\/\/host:port/)
    }
  })
})
