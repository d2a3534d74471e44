import { imageNames } from '@kosmos/testbed'
import { account, accountBinding, rbac } from './account.ts'

/**
 * A Prometheus and what it scrapes, as in prometheus-operator v0.85.0, example/rbac/prometheus and
 * example/user-guides/getting-started.
 */

const namespace = 'default'
const labels = { app: 'example-app' }
const monitored = { team: 'frontend' }
const read = ['get', 'list', 'watch']

export const prometheusRights = [
  account('prometheus', namespace),
  {
    apiVersion: rbac,
    kind: 'ClusterRole',
    metadata: { name: 'prometheus' },
    rules: [
      { apiGroups: [''], resources: ['nodes', 'nodes/metrics', 'services', 'endpoints', 'pods'], verbs: read },
      { apiGroups: [''], resources: ['configmaps'], verbs: ['get'] },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: read },
      { apiGroups: ['networking.k8s.io'], resources: ['ingresses'], verbs: read },
      { nonResourceURLs: ['/metrics'], verbs: ['get'] },
    ],
  },
  accountBinding('prometheus', namespace),
] as const

export const prometheus = {
  apiVersion: 'monitoring.coreos.com/v1',
  kind: 'Prometheus',
  metadata: { name: 'prometheus', namespace },
  spec: {
    version: 'v3.16.0',
    serviceAccountName: 'prometheus',
    serviceMonitorSelector: { matchLabels: monitored },
    podMonitorSelector: { matchLabels: monitored },
    scrapeConfigSelector: { matchLabels: monitored },
    scrapeInterval: '2s',
    resources: { requests: { memory: '400Mi' } },
    enableAdminAPI: false,
    storage: { volumeClaimTemplate: { spec: { resources: { requests: { storage: '1Gi' } } } } },
  },
} as const

/** Upstream's example-app is another program; this one answers at `/metrics` as well. */
export const exampleApp = [
  {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'example-app', namespace },
    data: { Corefile: '.:1053 {\n  whoami\n  prometheus :9153\n}\n' },
  },
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'example-app', namespace },
    spec: {
      replicas: 3,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          containers: [
            {
              name: 'example-app',
              image: imageNames.coredns,
              args: ['-conf', '/etc/coredns/Corefile'],
              ports: [{ name: 'web', containerPort: 9153 }],
              volumeMounts: [{ name: 'config', mountPath: '/etc/coredns' }],
            },
          ],
          volumes: [{ name: 'config', configMap: { name: 'example-app' } }],
        },
      },
    },
  },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'example-app', namespace, labels },
    spec: { selector: labels, ports: [{ name: 'web', port: 9153 }] },
  },
] as const

export const exampleMonitor = (kind: 'ServiceMonitor' | 'PodMonitor') => ({
  apiVersion: 'monitoring.coreos.com/v1',
  kind,
  metadata: { name: 'example-app', namespace, labels: monitored },
  spec: {
    selector: { matchLabels: labels },
    [kind === 'ServiceMonitor' ? 'endpoints' : 'podMetricsEndpoints']: [{ port: 'web' }],
  },
})

/** Figures of containers, from the kubelet of every node; with the right `nodes/metrics`, by a token of its account. */
export const kubeletMetrics = [
  {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: 'prometheus-token',
      namespace,
      annotations: { 'kubernetes.io/service-account.name': 'prometheus' },
    },
    type: 'kubernetes.io/service-account-token',
  },
  {
    apiVersion: 'monitoring.coreos.com/v1alpha1',
    kind: 'ScrapeConfig',
    metadata: { name: 'kubelets', namespace, labels: monitored },
    spec: {
      jobName: 'kubelets',
      kubernetesSDConfigs: [{ role: 'Node' }],
      scheme: 'HTTPS',
      metricsPath: '/metrics/cadvisor',
      authorization: { credentials: { name: 'prometheus-token', key: 'token' } },
      tlsConfig: { ca: { configMap: { name: 'kube-root-ca.crt', key: 'ca.crt' } } },
    },
  },
] as const
