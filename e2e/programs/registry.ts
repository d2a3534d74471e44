import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

/**
 * A registry with one image, `shell:v1`, which is its own busybox; it gives that to user `puller` with the password in its arguments,
 * and to nobody else. What a kubelet's runtime needs of the distribution specification.
 */

const PORT = 5000
const [password = ''] = process.argv.slice(2)
const authorization = `Basic ${Buffer.from(`puller:${password}`).toString('base64')}`

/** A tar of one file (POSIX ustar), and its end. */
function tarOf(path: string, content: Buffer): Buffer {
  const header = Buffer.alloc(512)
  header.write(path, 0)
  header.write('0000755\0', 100)
  header.write('0000000\0', 108)
  header.write('0000000\0', 116)
  header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124)
  header.write('00000000000\0', 136)
  header.write(' '.repeat(8), 148)
  header.write('0', 156)
  header.write('ustar\x0000', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512), Buffer.alloc(1024)])
}

const oci = (kind: string) => `application/vnd.oci.image.${kind}`
const blobs = new Map<string, { readonly mediaType: string; readonly data: Buffer }>()
function blob(mediaType: string, data: Buffer) {
  const digest = `sha256:${createHash('sha256').update(data).digest('hex')}`
  blobs.set(digest, { mediaType, data })
  return { mediaType, digest, size: data.length }
}
const json = (mediaType: string, content: object) => blob(mediaType, Buffer.from(JSON.stringify(content)))

const layer = blob(oci('layer.v1.tar'), tarOf('busybox', readFileSync('/bin/busybox')))
const architecture = process.arch === 'x64' ? 'amd64' : process.arch
const rootfs = { type: 'layers', diff_ids: [layer.digest] }
const config = json(oci('config.v1+json'), { architecture, os: 'linux', config: {}, rootfs })
const mediaType = oci('manifest.v1+json')
const manifest = json(mediaType, { schemaVersion: 2, mediaType, config, layers: [layer] })

createServer(({ method, url = '', headers }, answer) => {
  if (headers.authorization !== authorization) {
    answer.writeHead(401, { 'www-authenticate': 'Basic realm="registry"' }).end()
    return
  }
  const name = url.split('/').at(-1) ?? ''
  const found = blobs.get(name === 'v1' ? manifest.digest : name)
  if (!found) {
    answer.writeHead(url === '/v2/' ? 200 : 404).end()
    return
  }
  const { data } = found
  const digest = name === 'v1' ? manifest.digest : name
  answer.writeHead(200, {
    'content-type': found.mediaType,
    'content-length': data.length,
    'docker-content-digest': digest,
  })
  answer.end(method === 'HEAD' ? undefined : data)
}).listen(PORT, '127.0.0.1')
