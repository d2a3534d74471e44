import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { after, describe, it } from 'node:test'
import { extract, type Header } from 'tar-stream'
import { type Image, writeArchive } from './archive.ts'

interface Descriptor {
  readonly digest: string
  readonly size: number
}

async function unpack(tar: Buffer): Promise<Map<string, { header: Header; data: Buffer }>> {
  const found = new Map<string, { header: Header; data: Buffer }>()
  const unpacker = extract()
  Readable.from([tar]).pipe(unpacker)
  for await (const entry of unpacker) {
    const chunks: Buffer[] = []
    for await (const chunk of entry) chunks.push(chunk as Buffer)
    found.set(entry.header.name, { header: entry.header, data: Buffer.concat(chunks) })
  }
  return found
}

describe('an image archive', async () => {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'kosmos-image-'))
  after(() => rmSync(dir, { recursive: true, force: true }))
  const program = path.join(dir, 'program')
  writeFileSync(program, 'not really a program')
  const image: Image = {
    names: ['registry.example/app:1', 'registry.example/app:latest'],
    config: { Cmd: ['/app'], Env: ['A=b'] },
    layers: [
      [
        { path: '/tmp', directory: true, mode: 0o1777 },
        { path: '/etc/motd', content: 'hello\n' },
      ],
      [
        { path: '/app', source: program, mode: 0o755 },
        { path: '/bin/app', linkTo: '../app' },
      ],
    ],
  }
  const file = path.join(dir, 'image.tar')
  await writeArchive(image, file)
  const archive = await unpack(readFileSync(file))
  const json = (name: string) => JSON.parse(archive.get(name)?.data.toString() ?? 'null')
  const blobName = ({ digest }: Descriptor): string => `blobs/${digest.replace(':', '/')}`
  const index = json('index.json')
  const manifest = json(blobName(index.manifests[0]))

  it('is an OCI image layout whose index names the image by all its names', () => {
    assert.deepEqual(json('oci-layout'), { imageLayoutVersion: '1.0.0' })
    assert.deepEqual(
      index.manifests.map((m: { annotations: Record<string, string> }) => m.annotations['io.containerd.image.name']),
      image.names,
    )
  })

  it('holds every blob under the digest of its bytes, with the size that is claimed', () => {
    const descriptors: Descriptor[] = [index.manifests[0], manifest.config, ...manifest.layers]
    assert.equal(archive.size, 2 + descriptors.length)
    for (const descriptor of descriptors) {
      const data = archive.get(blobName(descriptor))?.data ?? Buffer.alloc(0)
      assert.equal(data.length, descriptor.size)
      assert.equal(`sha256:${createHash('sha256').update(data).digest('hex')}`, descriptor.digest)
    }
  })

  it('has layers with the files, modes and links that were asked for', async () => {
    const layers = await Promise.all(
      manifest.layers.map((l: Descriptor) => unpack(archive.get(blobName(l))?.data ?? Buffer.alloc(0))),
    )
    assert.equal(layers[0].get('tmp').header.mode, 0o1777)
    assert.equal(layers[0].get('etc/motd').data.toString(), 'hello\n')
    assert.equal(layers[1].get('app').data.toString(), 'not really a program')
    assert.equal(layers[1].get('app').header.mode, 0o755)
    assert.equal(layers[1].get('bin/app').header.linkname, '../app')
  })

  it('has a config that lists the layers as they are unpacked, and the command', () => {
    const config = json(blobName(manifest.config))
    assert.deepEqual(config.config, image.config)
    assert.deepEqual(
      config.rootfs.diff_ids,
      manifest.layers.map((l: Descriptor) => l.digest),
    )
  })

  it('is the same bytes for the same image, and nothing unfinished lies beside it', async () => {
    const again = path.join(dir, 'again.tar')
    await writeArchive(image, again)
    assert.ok(readFileSync(again).equals(readFileSync(file)))
    assert.deepEqual(readdirSync(dir).sort(), ['again.tar', 'image.tar', 'program'])
  })

  it('does not appear when a file of the image is missing', async () => {
    const broken = path.join(dir, 'broken.tar')
    const layers = [[{ path: '/app', source: path.join(dir, 'absent') }]]
    await assert.rejects(writeArchive({ ...image, layers }, broken), { code: 'ENOENT' })
    assert.ok(!readdirSync(dir).some((name) => name.startsWith('broken')))
  })
})
