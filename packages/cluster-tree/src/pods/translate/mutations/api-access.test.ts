import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PodSpec } from '@kosmos/kube'
import { ctx, rootPod } from '../../fixture.ts'
import { translate } from '../translate.ts'

const apiServer = { host: '10.0.0.1', port: '6443' }
const copyOf = (spec: Partial<PodSpec>, address = apiServer) =>
  translate(rootPod({ spec }), { ...ctx, apiServer: address })

/** As ServiceAccount admission writes it. */
const accessVolume = {
  name: 'kube-api-access-abcde',
  projected: {
    defaultMode: 420,
    sources: [
      { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      {
        downwardAPI: {
          items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
        },
      },
    ],
  },
}
const mount = { name: accessVolume.name, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true }
const secretName = 'kosmos-tokens-root-uid'

describe("a pod that talks to the root's API server", () => {
  it('finds its token, the authority and its namespace where clients look for them', () => {
    const { pod, omissions } = copyOf({
      serviceAccountName: 'builder',
      volumes: [accessVolume],
      containers: [{ name: 'main', image: 'i', volumeMounts: [mount] }],
    })
    const [token, authority, namespace] = pod.spec.volumes?.[0]?.projected?.sources ?? []
    assert.equal(token?.secret?.name, secretName)
    assert.equal(token?.secret?.items?.[0]?.path, 'token')
    assert.deepEqual(authority, { secret: { name: secretName, items: [{ key: 'ca.crt', path: 'ca.crt' }] } })
    assert.ok(namespace?.downwardAPI)
    assert.deepEqual(pod.spec.containers[0]?.volumeMounts, [mount])
    assert.equal(pod.metadata.annotations['kosmos.io/token-secret'], secretName)
    assert.deepEqual([pod.spec.serviceAccountName, pod.spec.automountServiceAccountToken], [undefined, false])
    assert.deepEqual(omissions, [])
  })

  it('is told the address by the variables of in-cluster clients, before its own, which may use them', () => {
    const own = { name: 'API', value: '$(KUBERNETES_SERVICE_HOST)' }
    const { containers, initContainers } = copyOf({
      containers: [{ name: 'main', image: 'i', env: [own] }],
      initContainers: [{ name: 'first', image: 'i' }],
    }).pod.spec
    const address = [
      { name: 'KUBERNETES_SERVICE_HOST', value: '10.0.0.1' },
      { name: 'KUBERNETES_SERVICE_PORT', value: '6443' },
      { name: 'KUBERNETES_SERVICE_PORT_HTTPS', value: '6443' },
      { name: 'KUBERNETES_PORT', value: 'tcp://10.0.0.1:6443' },
    ]
    assert.deepEqual(containers[0]?.env, [...address, own])
    assert.deepEqual(initContainers?.[0]?.env, address)
  })

  it('keeps an address that it was given', () => {
    const own = { name: 'KUBERNETES_SERVICE_HOST', value: 'proxy' }
    const [container] = copyOf({ containers: [{ name: 'main', image: 'i', env: [own] }] }).pod.spec.containers
    assert.deepEqual(
      container?.env?.filter(({ name }) => name === own.name),
      [own],
    )
  })

  it('is told an IPv6 address as clients expect it', () => {
    const { containers } = copyOf({ containers: [{ name: 'main', image: 'i' }] }, { host: 'fd00::1', port: '6443' }).pod
      .spec
    const env = Object.fromEntries(containers[0]?.env?.map(({ name, value }) => [name, value]) ?? [])
    assert.equal(env.KUBERNETES_SERVICE_HOST, 'fd00::1')
    assert.equal(env.KUBERNETES_PORT, 'tcp://[fd00::1]:6443')
  })

  it('never gets the leaf’s authority beside a token of the root, whichever volume shows it', () => {
    const { volumes } = copyOf({
      containers: [],
      volumes: [accessVolume, { name: 'ca', configMap: { name: 'kube-root-ca.crt', defaultMode: 256 } }],
    }).pod.spec
    assert.deepEqual(volumes?.[1], {
      name: 'ca',
      secret: { secretName, items: [{ key: 'ca.crt', path: 'ca.crt' }], defaultMode: 256 },
    })
  })

  it('finds the authority where it asks for it, if only for that of its volumes', () => {
    const items = [{ key: 'ca.crt', path: 'root.pem', mode: 256 }]
    const own = { name: 'own', configMap: { name: 'settings', optional: true } }
    const sources = [{ configMap: { name: 'kube-root-ca.crt', optional: true } }, { configMap: { name: 'settings' } }]
    const { volumes } = copyOf({
      containers: [],
      volumes: [
        accessVolume,
        { name: 'ca', configMap: { name: 'kube-root-ca.crt', items, optional: true } },
        { name: 'both', projected: { sources } },
        own,
      ],
    }).pod.spec
    assert.deepEqual(volumes?.slice(1), [
      { name: 'ca', secret: { secretName, items, optional: true } },
      {
        name: 'both',
        projected: {
          sources: [
            { secret: { name: secretName, items: [{ key: 'ca.crt', path: 'ca.crt' }], optional: true } },
            sources[1],
          ],
        },
      },
      own,
    ])
  })

  it('has its token for the group of the pod alone, if that has one, and whose file it is as it says', () => {
    const sources = [{ serviceAccountToken: { path: 'token', user: 7 } }]
    const volumes = [{ name: 'access', projected: { sources } }]
    const itemOf = (spec: Partial<PodSpec>) =>
      copyOf({ containers: [], volumes, ...spec }).pod.spec.volumes?.[0]?.projected?.sources?.[0]?.secret?.items?.[0]
    const { key, ...file } = itemOf({ securityContext: { fsGroup: 2000 } }) ?? assert.fail()
    assert.deepEqual(file, { path: 'token', user: 7, mode: 0o600 })
    assert.deepEqual(itemOf({}), { key, path: 'token', user: 7 })
  })

  it('that asks for no token has none, and needs no Secret', () => {
    const { pod } = copyOf({ containers: [], volumes: [{ name: 'tmp', emptyDir: {} }] })
    assert.equal(pod.metadata.annotations['kosmos.io/token-secret'], undefined)
    assert.deepEqual(pod.spec.volumes, [{ name: 'tmp', emptyDir: {} }])
  })

  it('cannot be made to read another pod’s Secret by an annotation', () => {
    const { pod } = translate(
      rootPod({ metadata: { annotations: { 'kosmos.io/token-secret': 'kosmos-tokens-x' } } }),
      ctx,
    )
    assert.equal(pod.metadata.annotations['kosmos.io/token-secret'], undefined)
  })
})

describe("a pod that asks for its leaf's API server", () => {
  /** The user’s own, one of them in the place of what admission added. */
  const kept = [
    { name: 'own', mountPath: '/own' },
    { name: 'own', mountPath: mount.mountPath },
  ]
  const asking = (leafApi: boolean) => {
    const root = rootPod({
      metadata: { annotations: { 'kosmos.io/api-server': 'leaf' } },
      spec: {
        serviceAccountName: 'builder',
        volumes: [accessVolume, { name: 'own', emptyDir: {} }],
        containers: [{ name: 'main', image: 'i', volumeMounts: [mount, ...kept] }],
      },
    })
    return translate(root, { ...ctx, apiServer, leafApi })
  }

  it("runs as the leaf's account of the name, with what the leaf's admission adds", () => {
    const { pod, problems } = asking(true)
    const { serviceAccountName, automountServiceAccountToken, volumes, containers } = pod.spec
    assert.deepEqual([serviceAccountName, automountServiceAccountToken, problems], ['builder', undefined, []])
    assert.deepEqual(
      volumes?.map(({ name }) => name),
      ['own'],
    )
    assert.deepEqual(containers[0]?.volumeMounts, kept)
    assert.ok(!containers[0].env?.some(({ name }) => name === 'KUBERNETES_SERVICE_HOST'))
    assert.ok(!('kosmos.io/token-secret' in pod.metadata.annotations))
  })

  it('is not made where the Cluster does not allow it', () => {
    assert.equal(asking(false).problems[0]?.reason, 'LeafAPIAccessDenied')
  })
})
