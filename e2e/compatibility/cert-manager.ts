import { readFile } from 'node:fs/promises'
import { ensureBinaries, foreignImageNames } from '@kosmos/testbed'
import { loadAll } from 'js-yaml'
import { account, accountBinding, rbac } from './account.ts'

/** cert-manager as its chart (v1.11.5) installs it by default, with its leader elected in a namespace of its own. */

export const namespace = 'cert-manager'
export const webhookService = { name: 'cert-manager-webhook', namespace }
const CA_SECRET = 'cert-manager-webhook-ca'
const acme = 'acme.cert-manager.io'
const read = ['get', 'list', 'watch']

interface Rule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
}
const rule = (apiGroup: string, resources: readonly string[], verbs: readonly string[]): Rule => ({
  apiGroups: [apiGroup],
  resources,
  verbs,
})

const leads = rule('coordination.k8s.io', ['leases'], ['get', 'create', 'update', 'patch'])
const tells = rule('', ['events'], ['get', 'create', 'update', 'patch'])

const controllerRules = [
  rule('cert-manager.io', ['*'], [...read, 'create', 'update', 'patch', 'delete']),
  rule(acme, ['*'], [...read, 'create', 'update', 'patch', 'delete']),
  rule('', ['secrets'], [...read, 'create', 'update', 'patch', 'delete']),
  rule('', ['pods', 'services'], [...read, 'create', 'delete']),
  rule('networking.k8s.io', ['ingresses', 'ingresses/finalizers'], [...read, 'create', 'delete', 'update']),
  // What approves requests of its own issuers.
  rule('cert-manager.io', ['signers'], ['approve']),
  rule('certificates.k8s.io', ['certificatesigningrequests', 'certificatesigningrequests/status'], [...read, 'update']),
  rule('certificates.k8s.io', ['signers'], ['sign']),
  rule('authorization.k8s.io', ['subjectaccessreviews'], ['create']),
  tells,
  leads,
]
const injectorRules = [
  rule('cert-manager.io', ['certificates'], read),
  rule('', ['secrets'], read),
  rule(
    'admissionregistration.k8s.io',
    ['validatingwebhookconfigurations', 'mutatingwebhookconfigurations'],
    [...read, 'update'],
  ),
  rule('apiregistration.k8s.io', ['apiservices'], [...read, 'update']),
  rule('apiextensions.k8s.io', ['customresourcedefinitions'], [...read, 'update']),
  tells,
  leads,
]
const webhookRules = [
  rule('', ['secrets'], [...read, 'create', 'update']),
  rule('authorization.k8s.io', ['subjectaccessreviews'], ['create']),
]

function component(name: keyof typeof foreignImageNames, rules: readonly Rule[], args: readonly string[]) {
  const labels = { 'app.kubernetes.io/name': name, 'app.kubernetes.io/instance': 'cert-manager' }
  const podNamespace = { name: 'POD_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } }
  const probe = { httpGet: { path: '/healthz', port: 6080 }, periodSeconds: 5 }
  return [
    account(name, namespace),
    { apiVersion: rbac, kind: 'ClusterRole', metadata: { name }, rules },
    accountBinding(name, namespace),
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace, labels },
      spec: {
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            serviceAccountName: name,
            securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
            containers: [
              {
                name,
                image: foreignImageNames[name],
                args,
                env: [podNamespace],
                securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
                ...(name === 'cert-manager-webhook' && { readinessProbe: probe }),
              },
            ],
          },
        },
      },
    },
  ]
}

const webhook = (kind: 'Validating' | 'Mutating', path: string) => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: `${kind}WebhookConfiguration`,
  metadata: {
    name: 'cert-manager-webhook',
    annotations: { 'cert-manager.io/inject-ca-from-secret': `${namespace}/${CA_SECRET}` },
  },
  webhooks: [
    {
      name: 'webhook.cert-manager.io',
      rules: [
        {
          apiGroups: ['cert-manager.io', acme],
          apiVersions: ['v1'],
          operations: ['CREATE', 'UPDATE'],
          resources: ['*/*'],
        },
      ],
      admissionReviewVersions: ['v1'],
      matchPolicy: 'Equivalent',
      timeoutSeconds: 10,
      failurePolicy: 'Fail',
      sideEffects: 'None',
      clientConfig: { service: { ...webhookService, path } },
    },
  ],
})

const leader = `--leader-election-namespace=${namespace}`
const servingNames = ['', '.$(POD_NAMESPACE)', '.$(POD_NAMESPACE).svc'].map(
  (suffix) => `--dynamic-serving-dns-names=${webhookService.name}${suffix}`,
)

/** Without the Service of the webhook, which leads from the root to the leaf. */
export const certManager = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
  ...component('cert-manager-controller', controllerRules, [
    '--v=2',
    '--cluster-resource-namespace=$(POD_NAMESPACE)',
    leader,
  ]),
  ...component('cert-manager-cainjector', injectorRules, ['--v=2', leader]),
  ...component('cert-manager-webhook', webhookRules, [
    '--v=2',
    '--secure-port=10250',
    '--dynamic-serving-ca-secret-namespace=$(POD_NAMESPACE)',
    `--dynamic-serving-ca-secret-name=${CA_SECRET}`,
    ...servingNames,
  ]),
  webhook('Validating', '/validate'),
  webhook('Mutating', '/mutate'),
]

/** The CRDs of the chart; what its templates fill in are names. */
export async function certManagerKinds(): Promise<object[]> {
  const { 'cert-manager-crds.yaml': file } = await ensureBinaries(['cert-manager-crds.yaml'])
  const text = (await readFile(file, 'utf8')).replaceAll(/\{\{.*?\}\}/g, 'cert-manager')
  return loadAll(text).filter(Boolean) as object[]
}
