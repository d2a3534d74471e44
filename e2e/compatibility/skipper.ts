import { foreignImageNames } from '@kosmos/testbed'
import { account, accountBinding, rbac } from './account.ts'

/** Skipper as in its docs/kubernetes/deploy/deployment (v0.22.0), in a namespace of its own. */

const namespace = 'ingress'
const name = 'skipper-ingress'
const labels = { application: name, component: 'ingress' }
const read = ['get', 'list']

export const skipperRole = {
  apiVersion: rbac,
  kind: 'ClusterRole',
  metadata: { name },
  rules: [
    { apiGroups: ['networking.k8s.io'], resources: ['ingresses'], verbs: read },
    { apiGroups: [''], resources: ['namespaces', 'services', 'endpoints', 'pods'], verbs: read },
    { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: read },
    { apiGroups: ['zalando.org'], resources: ['routegroups'], verbs: read },
  ],
} as const

export const skipper = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
  account(name, namespace),
  skipperRole,
  accountBinding(name, namespace),
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, labels },
    spec: {
      strategy: { rollingUpdate: { maxSurge: 0 } },
      selector: { matchLabels: { application: name } },
      template: {
        metadata: { labels },
        spec: {
          priorityClassName: 'system-cluster-critical',
          serviceAccountName: name,
          dnsPolicy: 'ClusterFirstWithHostNet',
          hostNetwork: true,
          containers: [
            {
              name,
              image: foreignImageNames.skipper,
              ports: [{ name: 'ingress-port', containerPort: 9999, hostPort: 9999 }],
              args: [
                'skipper',
                '-kubernetes',
                '-kubernetes-in-cluster',
                '-kubernetes-path-mode=path-prefix',
                '-enable-kubernetes-endpointslices',
                '-address=:9999',
                '-wait-first-route-load',
                '-proxy-preserve-host',
              ],
              resources: { limits: { memory: '1Gi' }, requests: { cpu: '100m', memory: '100Mi' } },
              readinessProbe: { httpGet: { path: '/kube-system/healthz', port: 9999 }, timeoutSeconds: 5 },
              securityContext: { readOnlyRootFilesystem: true, runAsNonRoot: true, runAsUser: 1000 },
            },
          ],
        },
      },
    },
  },
] as const
