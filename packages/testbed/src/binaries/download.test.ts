import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import tar from 'tar-stream'
import { thisPlatform } from './cache.ts'
import { download, type Network } from './download.ts'

const sha256 = (data: Buffer | string): string => createHash('sha256').update(data).digest('hex')
const { arch } = thisPlatform

describe('downloading binaries from a mirror laid out like the official places', () => {
  let server: Server
  let files: Record<string, Buffer | string> = {}
  let asked: string[] = []
  /** A path whose answer ends in the middle. */
  let breaking = ''
  let dir = ''
  let network: Network = { reachable: true }
  let said: string[] = []
  let mirror: Record<string, string> = {}

  before(async () => {
    server = createServer((request, response) => {
      const path = request.url ?? ''
      asked.push(path)
      const file = files[path]
      if (path === breaking) {
        response.writeHead(200, { 'content-length': 1000 })
        response.write('half', () => response.destroy())
      } else if (file === undefined) response.writeHead(404).end('not found')
      else response.writeHead(200, { 'content-length': Buffer.byteLength(file) }).end(file)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    mirror = { KOSMOS_KUBERNETES_URL: `${base}/k8s`, KOSMOS_ETCD_URL: `${base}/etcd` }
  })
  after(() => server.close())
  beforeEach(() => {
    dir = mkdtempSync(path.join(os.tmpdir(), 'kosmos-download-'))
    files = {}
    asked = []
    breaking = ''
    said = []
    network = { reachable: true }
  })
  afterEach(() => rmSync(dir, { recursive: true, force: true }))

  const progress = { step: (text: string) => void said.push(text), update: () => {} }
  const fetchAll = (set: 'kubernetes' | 'etcd', names: string[], env = mirror) =>
    download(set, names, dir, network, progress, env)
  const kubectl = `/k8s/release/v1.37.2/bin/linux/${arch}/kubectl`

  it('installs a binary whose checksum is right, executable', async () => {
    files = { [kubectl]: 'binary', [`${kubectl}.sha256`]: sha256('binary') }
    await fetchAll('kubernetes', ['kubectl'])
    assert.equal(readFileSync(path.join(dir, 'kubectl'), 'utf8'), 'binary')
    assert.equal(statSync(path.join(dir, 'kubectl')).mode & 0o777, 0o755)
  })

  it('does not use one whose checksum is wrong, says so, and leaves nothing half-written', async () => {
    files = { [kubectl]: 'tampered', [`${kubectl}.sha256`]: sha256('binary') }
    await fetchAll('kubernetes', ['kubectl'])
    assert.deepEqual(readdirSync(dir), [])
    assert.match(said[0] ?? '', /no download of kubectl: .* has SHA-256 .* but .* is published; it is not used/)
  })

  it('does not even ask for one that has no checksum', async () => {
    files = { [kubectl]: 'binary' }
    await fetchAll('kubernetes', ['kubectl'])
    assert.deepEqual(readdirSync(dir), [])
    assert.deepEqual(asked, [`${kubectl}.sha256`])
  })

  it('goes on with the next one when one is not there', async () => {
    files = { [kubectl]: 'binary', [`${kubectl}.sha256`]: sha256('binary') }
    await fetchAll('kubernetes', ['kubelet', 'kubectl'])
    assert.deepEqual(readdirSync(dir), ['kubectl'])
    assert.match(said[0] ?? '', /kubelet.*404/)
  })

  it('takes a binary out of an archive', async () => {
    const name = `etcd-v3.6.16-linux-${arch}`
    const pack = tar.pack()
    pack.entry({ name: `${name}/README.md` }, 'text')
    pack.entry({ name: `${name}/etcd` }, 'binary')
    pack.finalize()
    const archive = gzipSync(await buffer(pack))
    files = {
      [`/etcd/v3.6.16/${name}.tar.gz`]: archive,
      '/etcd/v3.6.16/SHA256SUMS': `${sha256('other')}  other\n${sha256(archive)}  ${name}.tar.gz\n`,
    }
    await fetchAll('etcd', ['etcd'])
    assert.deepEqual(readdirSync(dir), ['etcd'])
    assert.equal(readFileSync(path.join(dir, 'etcd'), 'utf8'), 'binary')
  })

  it('says of an archive that it cannot be read, whatever its checksum, and goes on', async () => {
    const archive = `/etcd/v3.6.16/etcd-v3.6.16-linux-${arch}.tar.gz`
    const cutOff = gzipSync(Buffer.alloc(4096, 'x')).subarray(0, 20)
    for (const content of [Buffer.from('a page that asks you to log in'), cutOff]) {
      said = []
      files = {
        [archive]: content,
        '/etcd/v3.6.16/SHA256SUMS': `${sha256(content)}  ${path.basename(archive)}\n`,
      }
      await fetchAll('etcd', ['etcd'])
      assert.deepEqual(readdirSync(dir), [])
      assert.match(said.join(), /^no download of etcd: \S+\.tar\.gz cannot be read: /)
    }
  })

  it('leaves nothing behind when the connection breaks in the middle', async () => {
    files = { [`${kubectl}.sha256`]: sha256('binary') }
    breaking = kubectl
    await fetchAll('kubernetes', ['kubectl'])
    assert.deepEqual(readdirSync(dir), [])
  })

  it('tries nothing else after the internet was out of reach once, except configured mirrors', async () => {
    network.reachable = false
    files = { [kubectl]: 'binary', [`${kubectl}.sha256`]: sha256('binary') }
    await download('etcd', ['etcd'], dir, network, progress, {})
    assert.deepEqual(said, [])
    await fetchAll('kubernetes', ['kubectl'])
    assert.ok(existsSync(path.join(dir, 'kubectl')))
  })

  it('says that a mirror refuses connections, and stays able to reach the internet', async () => {
    await fetchAll('etcd', ['etcd'], { KOSMOS_ETCD_URL: 'http://127.0.0.1:1' })
    assert.match(said[0] ?? '', /127\.0\.0\.1:1 cannot be reached/)
    assert.equal(network.reachable, true)
  })

  it('does nothing with KOSMOS_DOWNLOAD=never', async () => {
    files = { [kubectl]: 'binary', [`${kubectl}.sha256`]: sha256('binary') }
    await fetchAll('kubernetes', ['kubectl'], { ...mirror, KOSMOS_DOWNLOAD: 'never' })
    assert.deepEqual(readdirSync(dir), [])
    assert.deepEqual(asked, [])
  })
})
