import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { apiServerAddress } from './address.ts'

describe("the address of the root's API server", () => {
  it('is host and port of what the Cluster says', () => {
    assert.deepEqual(apiServerAddress('https://root.example.org:6443'), { host: 'root.example.org', port: '6443' })
    assert.deepEqual(apiServerAddress('https://10.0.0.1'), { host: '10.0.0.1', port: '443' })
    assert.deepEqual(apiServerAddress('https://[fd00::1]:6443'), { host: 'fd00::1', port: '6443' })
    assert.equal(apiServerAddress(undefined), undefined)
    assert.equal(apiServerAddress('root.example.org'), undefined, 'it has not been validated')
  })
})
