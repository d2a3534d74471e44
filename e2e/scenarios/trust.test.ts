import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { explainPod } from '@kosmos/kosmosctl'
import { createAuthority, startPodCertificateSigner } from '@kosmos/testbed'
import { pod } from '../platform/manifests.ts'
import { eventually, type Platform, startPlatform } from '../platform/platform.ts'

const isRoot = process.getuid?.() === 0

const mounting = (name: string, source: object) =>
  pod(name, {
    container: { command: ['sleep', '3600'], volumeMounts: [{ name: 'trust', mountPath: '/trust' }] },
    spec: { volumes: [{ name: 'trust', projected: { sources: [source] } }] },
  })
const bundle = (name: string, trustBundle: string) => ({
  apiVersion: 'certificates.k8s.io/v1',
  kind: 'ClusterTrustBundle',
  metadata: { name },
  spec: { trustBundle },
})

describe('pods in a leaf that mount the trust of the root', { skip: isRoot ? false : 'real nodes need root' }, () => {
  let platform: Platform
  let authorities: { readonly root: string; readonly leaf: string }
  const kubectl = (...args: string[]) => platform.kubectl(args)
  const ready = async (name: string) => {
    const { code, stderr } = await kubectl('wait', '--for=condition=Ready', `pod/${name}`, '--timeout=240s')
    assert.equal(code, 0, stderr)
  }

  before(async () => {
    platform = await startPlatform('trust', { leaves: 1, nodes: 'real:1', images: ['busybox'] })
    const [leaf] = platform.testbed.leaves
    authorities = { root: platform.testbed.root.ca, leaf: leaf?.ca ?? assert.fail() }
  })
  after(() => platform?.down())

  it('have the bundles of the root, though the leaf has others of that name, and follow them', async () => {
    const [leaf] = platform.testbed.leaves
    assert(leaf)
    const theirs = JSON.stringify(bundle('roots', authorities.leaf))
    assert.equal((await platform.kubectlIn(leaf, ['apply', '-f', '-'], theirs)).code, 0)
    await platform.apply(
      bundle('roots', `# the root's\n${authorities.root}`),
      mounting('believer', { clusterTrustBundle: { name: 'roots', path: 'roots.pem' } }),
    )
    await ready('believer')
    const read = async () => (await kubectl('exec', 'believer', '--', 'cat', '/trust/roots.pem')).stdout
    assert.equal((await read()).trim(), authorities.root.trim())
    await platform.apply(bundle('roots', `${authorities.root}${authorities.leaf}`))
    // A kubelet looks at the volumes of a pod about once a minute.
    await eventually('both', async () => (await read()).match(/BEGIN CERTIFICATE/g)?.length === 2)
  })

  it('wait for one that is not there, say so, and start when it is', async () => {
    await platform.apply(mounting('waiting', { clusterTrustBundle: { name: 'later', path: 'later.pem' } }))
    await eventually('it says what it waits for', async () => {
      const { stdout } = await kubectl('get', 'pod', 'waiting', '-o', 'jsonpath={.status.reason}: {.status.message}')
      return /^TrustBundleNotFound: not found: ClusterTrustBundle later \(volume trust\)/.test(stdout)
    })
    await platform.apply(bundle('later', authorities.root))
    await ready('waiting')
  })

  it('have certificates of the root’s signers, asked for with the rights that Kosmos is installed with', async (t) => {
    const signerName = 'example.com/pods'
    const podCertificate = { signerName, keyType: 'ECDSAP256', credentialBundlePath: 'credentials.pem' }
    await platform.apply(mounting('certified', { podCertificate }))
    await eventually('it says whom it waits for', async () => {
      const { stdout } = await kubectl('get', 'pod', 'certified', '-o', 'jsonpath={.status.reason}: {.status.message}')
      return /^PodCertificateNotIssued: signer example\.com\/pods has not answered/.test(stdout)
    })
    const authority = await createAuthority('pods of the root')
    const signer = startPodCertificateSigner({ client: platform.root, signerName, authority })
    t.after(() => signer.stop())
    await ready('certified')
    const { stdout } = await kubectl('exec', 'certified', '--', 'cat', '/trust/credentials.pem')
    const certificate = new X509Certificate(stdout.slice(stdout.indexOf('-----BEGIN CERTIFICATE')))
    assert.ok(certificate.checkPrivateKey(createPrivateKey(stdout)))
    assert.ok(certificate.verify(new X509Certificate(authority.certificate).publicKey))
    assert.equal(certificate.subject, 'CN=default/default')
    const { needs } = await explainPod(platform.root, { namespace: 'default', name: 'certified' })
    const [need] = needs.filter(({ kind }) => kind === 'Certificate')
    assert.deepEqual([need?.root, need?.leaf], ['not needed', 'current'])
  })
})
