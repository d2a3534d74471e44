import assert from 'node:assert/strict'
import { get } from 'node:http'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { imageNames } from '@kosmos/testbed'
import { deployment } from '../platform/manifests.ts'
import { eventually } from '../platform/platform.ts'
import { type CompatibilityPlatform, startFor } from './platform.ts'
import { skipper, skipperRole } from './skipper.ts'

const isRoot = process.getuid?.() === 0
const namespace = 'default'

const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'shop', namespace },
  spec: { selector: { app: 'shop' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
}

const ingress = (host: string) => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: { name: host.replaceAll('.', '-'), namespace },
  spec: {
    rules: [
      {
        host,
        http: {
          paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'shop', port: { name: 'http' } } } }],
        },
      },
    ],
  },
})

describe('Skipper, an ingress controller in a leaf', { skip: isRoot ? false : 'real nodes need root' }, () => {
  let platform: CompatibilityPlatform
  let address: string

  /** As a browser outside of the clusters does. */
  const visit = (host: string, path = '/hostname') =>
    new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
      // Without keep-alive each request may go to another pod.
      get({ host: address, port: 9999, path, headers: { host }, agent: false }, (response) => {
        text(response).then((body) => resolve({ status: response.statusCode, body }), reject)
      }).on('error', reject)
    })
  const shops = async () => {
    const list = await platform.must('get', 'pods', '-l', 'app=shop', '-o', 'jsonpath={.items[*].metadata.name}')
    return list.split(' ').sort()
  }
  const visited = async (host: string) => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => visit(host)))
    return [...new Set(answers.map(({ status, body }) => (status === 200 ? body : `${status}`)))].sort()
  }

  before(async () => {
    platform = await startFor('skipper', ['agnhost'])
    const container = { image: imageNames.agnhost, args: ['netexec', '--http-port=8080'] }
    await platform.install([service, deployment('shop', 2, { container }), ingress('shop.example'), ...skipper])
    await platform.must('rollout', 'status', 'deployment/shop', '--timeout=120s')
    await platform.must('rollout', 'status', 'deployment/skipper-ingress', '-n', 'ingress', '--timeout=120s')
    address = await platform.must('get', 'pods', '-n', 'ingress', '-o', 'jsonpath={.items[0].status.podIP}')
  })
  after(() => platform?.down())

  it('sends requests for a host to all pods of the Service that the root’s Ingress names', async () => {
    const all = await shops()
    assert.equal(all.length, 2)
    await eventually('both answer', async () => `${await visited('shop.example')}` === `${all}`)
    assert.equal((await visit('other.example')).status, 404)
  })

  it('follows the root’s Ingresses and EndpointSlices', async () => {
    await platform.install([ingress('sale.example')])
    await platform.must('scale', 'deployment/shop', '--replicas=3')
    await platform.must('rollout', 'status', 'deployment/shop', '--timeout=120s')
    const all = await shops()
    assert.equal(all.length, 3)
    await eventually('all three answer', async () => `${await visited('sale.example')}` === `${all}`)
    await platform.must('delete', 'ingress', 'sale-example')
    await eventually('the host is gone', async () => (await visit('sale.example')).status === 404)
  })

  it('sees what the RBAC of the root lets it see', async () => {
    await platform.install([{ ...skipperRole, rules: [] }])
    const logs = () => platform.must('logs', 'deployment/skipper-ingress', '-n', 'ingress', '--tail=50')
    await eventually('it is refused', async () =>
      /ingresses.*(403|forbidden)|(403|forbidden).*ingresses/i.test(await logs()),
    )
    assert.equal((await visit('shop.example')).status, 200)
    await platform.install([skipperRole, ingress('late.example')])
    await eventually('it works again', async () => (await visit('late.example')).status === 200)
  })
})
