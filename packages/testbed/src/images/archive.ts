import { createHash, randomUUID } from 'node:crypto'
import { createWriteStream, readFileSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { type Pack, pack } from 'tar-stream'

/** A file, folder or link of an image; paths are relative to its root. */
export type ImageEntry =
  | { readonly path: string; readonly content: string; readonly mode?: number }
  /** A copy of a file on this machine. */
  | { readonly path: string; readonly source: string; readonly mode?: number }
  | { readonly path: string; readonly directory: true; readonly mode?: number }
  | { readonly path: string; readonly linkTo: string }

/** Which user, command and so on; the OCI image specification's config (all optional). */
interface ImageConfig {
  readonly User?: string
  readonly ExposedPorts?: Readonly<Record<string, object>>
  readonly Env?: readonly string[]
  readonly Entrypoint?: readonly string[]
  readonly Cmd?: readonly string[]
  readonly WorkingDir?: string
}

export interface Image {
  /** Full reference, as `registry.k8s.io/pause:3.10`; further names it is also known by. */
  readonly names: readonly [string, ...string[]]
  readonly config: ImageConfig
  /** One layer each. */
  readonly layers: readonly (readonly ImageEntry[])[]
}

/** GOARCH of the machine this runs on. */
const architecture = process.arch === 'x64' ? 'amd64' : process.arch

interface Blob {
  readonly descriptor: { mediaType: string; digest: string; size: number }
  readonly data: Buffer
}

/**
 * Writes an OCI image layout (image-spec v1, image-layout.md) as a tar, under its final name only once it is complete.
 * Equal images make equal bytes: no time stamps, layers not compressed.
 */
export async function writeArchive(image: Image, file: string): Promise<void> {
  const layers = await Promise.all(
    image.layers.map(async (entries) => blob('application/vnd.oci.image.layer.v1.tar', await layer(entries))),
  )
  const config = json('application/vnd.oci.image.config.v1+json', {
    architecture,
    os: 'linux',
    config: image.config,
    rootfs: { type: 'layers', diff_ids: layers.map((l) => l.descriptor.digest) },
  })
  const manifest = json('application/vnd.oci.image.manifest.v1+json', {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: config.descriptor,
    layers: layers.map((l) => l.descriptor),
  })
  const index = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: image.names.map((name) => ({
      ...manifest.descriptor,
      platform: { architecture, os: 'linux' },
      annotations: { 'io.containerd.image.name': name },
    })),
  }
  const tar = pack()
  // Two leaves that start side by side make the same image.
  const temporary = `${file}.${randomUUID()}.partial`
  const written = pipeline(tar, createWriteStream(temporary))
  add(tar, 'oci-layout', JSON.stringify({ imageLayoutVersion: '1.0.0' }))
  add(tar, 'index.json', JSON.stringify(index))
  for (const { descriptor, data } of [manifest, config, ...layers]) {
    add(tar, `blobs/${descriptor.digest.replace(':', '/')}`, data)
  }
  tar.finalize()
  await written
  await rename(temporary, file)
}

async function layer(entries: readonly ImageEntry[]): Promise<Buffer> {
  const tar = pack()
  for (const entry of entries) {
    const name = entry.path.replace(/^\//, '')
    if ('directory' in entry) tar.entry({ name, type: 'directory', mode: entry.mode ?? 0o755, mtime: epoch })
    else if ('linkTo' in entry) tar.entry({ name, type: 'symlink', linkname: entry.linkTo, mode: 0o777, mtime: epoch })
    else add(tar, name, 'source' in entry ? readFileSync(entry.source) : entry.content, entry.mode)
  }
  tar.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of tar) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

const epoch = new Date(0)

function add(tar: Pack, name: string, content: Buffer | string, mode = 0o644): void {
  tar.entry({ name, mode, mtime: epoch }, content)
}

function blob(mediaType: string, data: Buffer): Blob {
  const digest = `sha256:${createHash('sha256').update(data).digest('hex')}`
  return { descriptor: { mediaType, digest, size: data.length }, data }
}

function json(mediaType: string, value: unknown): Blob {
  return blob(mediaType, Buffer.from(JSON.stringify(value)))
}
