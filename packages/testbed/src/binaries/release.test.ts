import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { digestOf, downloadsFor } from './release.ts'

const linux = { os: 'linux', arch: 'amd64' }
const digest = 'a'.repeat(64)

describe('where official binaries lie', () => {
  it('is dl.k8s.io for Kubernetes, each with its checksum beside', () => {
    const [file] = downloadsFor('kubernetes', ['kubectl'], linux, {})
    assert.equal(file?.url, 'https://dl.k8s.io/release/v1.37.2/bin/linux/amd64/kubectl')
    assert.equal(file?.checksumUrl, `${file?.url}.sha256`)
    assert.equal(file?.configured, false)
  })

  it('is one archive for all of containerd', () => {
    const files = downloadsFor('containerd', ['containerd', 'ctr'], linux, {})
    assert.equal(files.length, 1)
    assert.match(files[0]?.url ?? '', /\/v2\.2\.1\/containerd-2\.2\.1-linux-amd64\.tar\.gz$/)
    assert.deepEqual(files[0]?.members, { containerd: 'bin/containerd', ctr: 'bin/ctr' })
  })

  it('is a mirror when one is configured', () => {
    const [file] = downloadsFor('etcd', ['etcd'], linux, { KOSMOS_ETCD_URL: 'http://mirror/etcd/' })
    assert.equal(file?.url, 'http://mirror/etcd/v3.6.16/etcd-v3.6.16-linux-amd64.tar.gz')
    assert.equal(file?.configured, true)
  })

  it('is nowhere for agnhost, which is released as an image only', () => {
    assert.deepEqual(downloadsFor('kubernetes', ['agnhost'], linux, {}), [])
  })
})

describe('a checksum file', () => {
  it('may be a bare digest', () => assert.equal(digestOf(`${digest}\n`, 'kubectl'), digest))

  it('may list several files', () => {
    assert.equal(digestOf(`${'b'.repeat(64)}  other.tgz\n${digest} *etcd.tgz\n`, 'etcd.tgz'), digest)
  })

  it('that does not name the file proves nothing', () => {
    assert.equal(digestOf(`${digest}  other.tgz\n`, 'etcd.tgz'), undefined)
    assert.equal(digestOf('<html>not found</html>', 'etcd.tgz'), undefined)
  })
})
