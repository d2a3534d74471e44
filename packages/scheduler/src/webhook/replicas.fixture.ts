import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { connect } from 'node:tls'
import { systemNamespace } from '@kosmos/api'
import { type Client, type EndpointSlice, endpointSlices, type KubeObject, type Service, services } from '@kosmos/kube'
import { loadAll } from 'js-yaml'
import { mustCreate } from '../admitting-root.fixture.ts'
import { serviceName } from './configuration.ts'
import type { SchedulerProcess } from './scheduler-process.fixture.ts'

const manifests = new URL('../../../../deploy/webhook.yaml', import.meta.url)

/** An address of this machine that may be an endpoint: loopback addresses may not. */
export function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  const found = all.find(({ internal, family }) => !internal && family === 'IPv4')
  assert(found, 'this machine has no IPv4 address but loopback ones')
  return found.address
}

/** The Service of deploy/webhook.yaml. */
export async function createService(client: Client): Promise<void> {
  const [service] = (loadAll(readFileSync(manifests, 'utf8')) as KubeObject[]).filter(({ kind }) => kind === 'Service')
  await mustCreate(client, services, service as Service)
}

/** Says that a replica is ready behind the Service or not, as the controllers of a cluster say it of its pod. */
export async function setReady(client: Client, name: string, { url }: SchedulerProcess, ready: boolean): Promise<void> {
  const outcome = await client.apply(endpointSlices, {
    metadata: { namespace: systemNamespace, name, labels: { 'kubernetes.io/service-name': serviceName } },
    addressType: 'IPv4',
    ports: [{ name: 'webhook', port: Number(url.port), protocol: 'TCP' }],
    endpoints: [{ addresses: [url.hostname], conditions: { ready } }],
  } as KubeObject as EndpointSlice)
  assert(outcome.ok, JSON.stringify(outcome))
}

/** The certificate that a replica shows, PEM. */
export async function shownBy({ url }: SchedulerProcess): Promise<string> {
  const socket = connect({ host: url.hostname, port: Number(url.port), rejectUnauthorized: false })
  try {
    await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
    return new X509Certificate(socket.getPeerCertificate().raw).toString()
  } finally {
    socket.destroy()
  }
}
