import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { imageNames } from '@kosmos/testbed'
import { deployment, pod } from '../platform/manifests.ts'
import { eventually } from '../platform/platform.ts'
import { certManager, certManagerKinds, namespace, webhookService } from './cert-manager.ts'
import { applyIn, type CompatibilityPlatform, startFor } from './platform.ts'
import { webhookByNodePort } from './webhook.ts'

const isRoot = process.getuid?.() === 0

const issuer = (name: string, spec: object) => ({
  apiVersion: 'cert-manager.io/v1',
  kind: 'Issuer',
  metadata: { name, namespace: 'default' },
  spec,
})
const certificate = (name: string, issuerName: string, spec: object) => ({
  apiVersion: 'cert-manager.io/v1',
  kind: 'Certificate',
  metadata: { name, namespace: 'default' },
  spec: { secretName: name, issuerRef: { name: issuerName }, ...spec },
})

const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'shop', namespace: 'default' },
  spec: { selector: { app: 'shop' }, ports: [{ port: 443, targetPort: 8443 }] },
}

const mounting = (secretName: string) => ({ volumes: [{ name: 'tls', secret: { secretName } }] })
const volumeMounts = [{ name: 'tls', mountPath: '/tls' }]

/** Serves with the certificate that the Secret has. */
const shop = deployment('shop', 1, {
  spec: mounting('shop-tls'),
  container: {
    image: imageNames.agnhost,
    args: ['netexec', '--http-port=8443', '--tls-cert-file=/tls/tls.crt', '--tls-private-key-file=/tls/tls.key'],
    volumeMounts,
  },
})

describe('cert-manager, whose controllers and webhook run in a leaf', {
  skip: isRoot ? false : 'real nodes need root',
}, () => {
  let platform: CompatibilityPlatform
  const serial = async () => (await platform.must('exec', 'customer', '--', 'sh', '-c', 'md5sum < /tls/tls.crt')).trim()

  before(async () => {
    platform = await startFor('cert-manager', ['agnhost'])
    const [leaf] = platform.testbed.leaves
    assert(leaf)
    const { stdout: address } = await platform.kubectlIn(leaf, [
      'get',
      'nodes',
      '-o',
      'jsonpath={.items[0].status.addresses[0].address}',
    ])
    const selector = { 'app.kubernetes.io/name': 'cert-manager-webhook' }
    const webhook = webhookByNodePort({ service: webhookService, selector, targetPort: 10250, address })
    await platform.install(await certManagerKinds())
    await platform.install([...certManager, ...webhook.inRoot])
    for (const name of ['cert-manager-controller', 'cert-manager-cainjector', 'cert-manager-webhook'])
      await platform.must('rollout', 'status', `deployment/${name}`, '-n', namespace, '--timeout=180s')
    await applyIn(platform.kubectlIn, leaf, webhook.inLeaf)
  })
  after(() => platform?.down())

  it('leads by a Lease in the root, which its pod holds', async () => {
    const lease = ['get', 'lease', 'cert-manager-controller', '-n', namespace, '-o', 'jsonpath={.spec.holderIdentity}']
    const holder = await eventually('somebody leads', async () => (await platform.kubectl(lease)).stdout)
    assert.match(holder, /^cert-manager-controller-/)
  })

  it('refuses what is wrong by its webhook, whose authority its other controller has told the root', async () => {
    const wrong = JSON.stringify(certificate('nameless', 'nobody', {}))
    const stderr = await eventually('the webhook answers', async () => {
      const { code, stderr } = await platform.kubectl(['apply', '--dry-run=server', '-f', '-'], wrong)
      assert.notEqual(code, 0)
      return !/failed calling webhook/.test(stderr) && stderr
    })
    assert.match(stderr, /at least one of commonName/)
  })

  it('issues certificates in the root, by an authority that it has made itself', async () => {
    await platform.install([
      issuer('itself', { selfSigned: {} }),
      certificate('authority', 'itself', { isCA: true, commonName: 'shops' }),
      issuer('shops', { ca: { secretName: 'authority' } }),
      certificate('shop-tls', 'shops', { dnsNames: ['shop.default.svc'] }),
    ])
    await platform.must('wait', 'certificate/shop-tls', '--for=condition=Ready', '--timeout=120s')
  })

  it('has them served by pods of the leaf, to others that believe in that authority', async () => {
    const container = { image: imageNames.agnhost, args: ['pause'], volumeMounts }
    await platform.install([service, shop, pod('customer', { container, spec: mounting('shop-tls') })])
    await platform.must('rollout', 'status', 'deployment/shop', '--timeout=120s')
    await platform.must('wait', 'pod/customer', '--for=condition=Ready', '--timeout=120s')
    const visit = 'curl -sS --cacert /tls/ca.crt https://shop.default.svc/hostname'
    const answer = await eventually('it answers', async () => {
      const { code, stdout } = await platform.kubectl(['exec', 'customer', '--', 'sh', '-c', visit])
      return code === 0 && stdout
    })
    assert.match(answer, /^shop-/)
  })

  it('renews them, and running pods have the new one', async () => {
    const before = await serial()
    await platform.must('delete', 'secret', 'shop-tls')
    await eventually('another one is there', async () => (await serial()) !== before)
  })
})
