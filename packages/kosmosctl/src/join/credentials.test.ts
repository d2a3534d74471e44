import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { loadKubeConfig } from '@kosmos/kube'
import fc from 'fast-check'
import { endpointOf, selfContainedKubeconfig } from './credentials.ts'

const endpoint = { certificateAuthority: undefined, tlsServerName: undefined, proxyUrl: undefined }

describe('the kubeconfig that the controllers get', () => {
  it('needs nothing of the machine it was made on, whatever is in it', () => {
    const text = fc.string({ minLength: 1 })
    fc.assert(
      fc.property(text, text, fc.option(fc.base64String({ minLength: 4 }), { nil: undefined }), (name, token, ca) => {
        const server = 'https://leaf.example:6443'
        const kubeconfig = selfContainedKubeconfig(name, { ...endpoint, server, certificateAuthority: ca }, token)
        const config = loadKubeConfig({ text: kubeconfig, selfContained: true })
        assert.equal(config.getCurrentUser()?.token, token)
        assert.equal(config.getCurrentCluster()?.server, server)
        assert.equal(config.getCurrentCluster()?.caData, ca)
        assert.equal(config.getCurrentCluster()?.skipTLSVerify, false)
      }),
    )
  })

  it('keeps how the leaf is reached, and takes another address when one is given', async () => {
    const config = loadKubeConfig({
      text: JSON.stringify({
        clusters: [
          {
            name: 'c',
            cluster: {
              server: 'https://127.0.0.1:1',
              'certificate-authority-data': 'QUJD',
              'tls-server-name': 'leaf',
              'proxy-url': 'http://proxy:3128',
            },
          },
        ],
        users: [{ name: 'u', user: { token: 'secret' } }],
        contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
        'current-context': 'x',
      }),
    })
    assert.deepEqual(await endpointOf(config, 'https://leaf.example'), {
      server: 'https://leaf.example',
      certificateAuthority: 'QUJD',
      tlsServerName: 'leaf',
      proxyUrl: 'http://proxy:3128',
    })
  })
})
