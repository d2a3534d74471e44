// Run by a test as a program: passes 256 MiB through a splice of TLS sockets, and prints how often the whole heap was marked meanwhile.
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { constants, PerformanceObserver } from 'node:perf_hooks'
import tls, { type TLSSocket } from 'node:tls'
import { selfSignedCertificate } from '@kosmos/kube/certificates'
import { splice } from '../tunnel/splice.ts'

const BYTES = 256 * 2 ** 20

let marked = 0
new PerformanceObserver((list) => {
  for (const { detail } of list.getEntries() as (PerformanceEntry & { detail: { kind: number } })[]) {
    if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) marked++
  }
}).observe({ entryTypes: ['gc'] })

const host = '127.0.0.1'
const { certificate: cert, key } = await selfSignedCertificate({
  subject: [{ CN: ['test'] }],
  hosts: [host],
  lifetimeMs: 3600_000,
})

async function connected(): Promise<[TLSSocket, TLSSocket]> {
  const server = tls.createServer({ cert, key }).listen(0, host)
  await once(server, 'listening')
  const client = tls.connect({ host, port: (server.address() as AddressInfo).port, ca: cert })
  const [peer] = await once(server, 'secureConnection')
  server.close()
  return [client, peer]
}

const [source, from] = await connected()
const [to, sink] = await connected()
void splice(from, to, 60_000)
sink.resume()
const chunk = Buffer.alloc(65_536)
marked = 0
for (let sent = 0; sent < BYTES; sent += chunk.length) if (!source.write(chunk)) await once(source, 'drain')
source.end()
await once(sink, 'end')
console.log(marked)
process.exit(0)
