import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import {
  Client,
  Connection,
  certificateSigningRequests,
  createTransport,
  loadKubeConfig,
  resource,
  selfSubjectAccessReviews,
  serviceAccounts,
  unwrap,
} from '@kosmos/kube'
import { type ControlPlane, startControlPlane } from '@kosmos/testbed'
import { CertificateRefused, NoSigner } from './errors.ts'
import { obtainServingCertificate } from './obtain.ts'

const clusterRoles = resource('rbac.authorization.k8s.io/v1', 'ClusterRole', 'clusterroles', 'Cluster')
const clusterRoleBindings = resource(
  'rbac.authorization.k8s.io/v1',
  'ClusterRoleBinding',
  'clusterrolebindings',
  'Cluster',
)

interface Rule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
  readonly resourceNames?: readonly string[]
}

const csr = (verbs: readonly string[], subresource = ''): Rule => ({
  apiGroups: ['certificates.k8s.io'],
  resources: [`certificatesigningrequests${subresource}`],
  verbs,
})
const approval: readonly Rule[] = [
  csr(['get', 'list', 'watch']),
  csr(['update'], '/approval'),
  {
    apiGroups: ['certificates.k8s.io'],
    resources: ['signers'],
    resourceNames: ['kubernetes.io/kubelet-serving'],
    verbs: ['approve'],
  },
]
const constrained: readonly Rule[] = [
  { apiGroups: ['authentication.k8s.io'], resources: ['nodes'], verbs: ['impersonate:arbitrary-node'] },
  csr(['impersonate-on:arbitrary-node:create']),
]
const classic: readonly Rule[] = [
  { apiGroups: [''], resources: ['users'], resourceNames: ['system:node:vn1'], verbs: ['impersonate'] },
  { apiGroups: [''], resources: ['groups'], resourceNames: ['system:nodes'], verbs: ['impersonate'] },
]

/** Whether a client has the first right of a rule. */
async function may(client: Client, rule: Rule | undefined): Promise<boolean> {
  const { apiGroups: [group] = [], resources = [], verbs: [verb] = [], resourceNames: [name] = [] } = rule ?? {}
  const [resource, subresource] = resources[0]?.split('/') ?? []
  const spec = { resourceAttributes: { group, resource, subresource, verb, name } }
  return unwrap(await client.create(selfSubjectAccessReviews, { spec } as object))?.status?.allowed === true
}

describe('a serving certificate from a real root', () => {
  let root: ControlPlane
  let admin: Client
  const clients: Client[] = []
  const clientOf = async (source: { file?: string; text?: string }) => {
    const client = new Client(new Connection('root', await createTransport(loadKubeConfig(source))), 'kosmos-test')
    clients.push(client)
    return client
  }
  before(async () => {
    root = await startControlPlane({ components: ['etcd', 'kube-apiserver', 'kube-controller-manager'] })
    admin = await clientOf({ file: root.kubeconfig })
  })
  after(async () => {
    for (const client of clients) await client.connection.close()
    await root?.stop()
  })

  /** A client that may do what the rules say and nothing else. */
  const restricted = async (name: string, rules: readonly Rule[]): Promise<Client> => {
    const metadata = { name }
    unwrap(await admin.create(serviceAccounts, { metadata: { namespace: 'default', name } }))
    unwrap(await admin.create(clusterRoles, { metadata, rules } as object))
    unwrap(
      await admin.create(clusterRoleBindings, {
        metadata,
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
        subjects: [{ kind: 'ServiceAccount', namespace: 'default', name }],
      } as object),
    )
    const review = await admin.requestToken({ namespace: 'default', name }, {})
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name: 'root',
          cluster: { server: root.server, 'certificate-authority-data': Buffer.from(root.ca).toString('base64') },
        },
      ],
      users: [{ name, user: { token: unwrap(review)?.status.token } }],
      contexts: [{ name, context: { cluster: 'root', user: name } }],
      'current-context': name,
    }
    const client = await clientOf({ text: JSON.stringify(config) })
    // The root's authorizer hears of a role and its binding a moment after they are stored.
    while (!(await may(client, rules[0]))) await new Promise((resolve) => setTimeout(resolve, 20))
    return client
  }
  const names = { nodeName: 'vn1', hosts: ['127.0.0.1', 'vn1.example'] }
  const requesters = async () =>
    (await admin.listAll(certificateSigningRequests)).map(({ spec }) => spec.username).toSorted()
  const sweep = async () => {
    for (const { metadata } of await admin.listAll(certificateSigningRequests)) {
      await admin.delete(certificateSigningRequests, { name: metadata.name })
    }
  }

  it('is requested as the node, with no more than the right to that', async () => {
    for (const [name, rules] of Object.entries({ constrained, classic })) {
      await sweep()
      const client = await restricted(name, [...rules, ...approval])
      const { certificate, key } = await obtainServingCertificate({ client, names, expirationSeconds: 3_600 })
      assert.match(certificate, /BEGIN CERTIFICATE/)
      assert.match(key, /BEGIN PRIVATE KEY/)
      assert.deepEqual(await requesters(), ['system:node:vn1'], name)
    }
  })

  it('is requested as ourselves where nobody may be impersonated', async () => {
    await sweep()
    const client = await restricted('own', [csr(['create']), ...approval])
    const { notAfter } = await obtainServingCertificate({ client, names, expirationSeconds: 3_600 })
    assert.ok(notAfter.getTime() < Date.now() + 2 * 3600_000)
    assert.deepEqual(await requesters(), ['system:serviceaccount:default:own'])
  })

  it('is refused with the right that is missing', async () => {
    const nothing = await restricted('nothing', approval)
    await assert.rejects(obtainServingCertificate({ client: nothing, names }), (error) => {
      assert.ok(error instanceof CertificateRefused)
      assert.match(error.message, /takes no certificate request for node vn1.*cannot create.*Kosmos needs "create"/s)
      return true
    })
    const unapproved = await restricted('unapproved', [csr(['create', 'get'])])
    await assert.rejects(obtainServingCertificate({ client: unapproved, names }), (error) => {
      assert.ok(error instanceof CertificateRefused)
      assert.match(error.message, /does not let Kosmos approve.*certificatesigningrequests\/approval.*signers/s)
      return true
    })
  })

  it('says that nobody signs when the signer is not there', async () => {
    await root.kill('kube-controller-manager')
    await assert.rejects(obtainServingCertificate({ client: admin, names, signerMs: 300 }), (error) => {
      assert.ok(error instanceof NoSigner)
      assert.match(error.message, /although it is approved.*--cluster-signing-cert-file/s)
      return true
    })
  })
})
