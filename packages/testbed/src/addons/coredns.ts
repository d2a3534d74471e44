import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, configMaps, type KubeObject, resource, serviceAccounts } from '@kosmos/kube'
import { type Manifest, rbac } from './manifest.ts'

export interface CoreDnsOptions {
  readonly image: string
  /** Address of the kube-dns Service. */
  readonly address: string
  /** Default cluster.local. */
  readonly domain?: string
}

interface Deployment extends KubeObject {
  readonly status?: { readonly availableReplicas?: number }
}

const deployments = resource<Deployment>('apps/v1', 'Deployment', 'deployments', 'Namespaced')
const services = resource('v1', 'Service', 'services', 'Namespaced')

const labels = { 'k8s-app': 'kube-dns', 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'CoreDNS' }
const namespace = 'kube-system'

/**
 * CoreDNS as the `kube-dns` Service: upstream's cluster/addons/dns/coredns/coredns.yaml.base, except that names outside
 * of the cluster do not exist (nodes have no resolver to forward to) and that changes are seen sooner.
 */
export function coreDns({ image, address, domain = 'cluster.local' }: CoreDnsOptions): Manifest[] {
  return [
    { resource: serviceAccounts, object: { metadata: { name: 'coredns', namespace } } },
    {
      resource: rbac.clusterRoles,
      object: {
        metadata: { name: 'system:coredns' },
        rules: [
          { apiGroups: [''], resources: ['services', 'pods', 'namespaces'], verbs: ['list', 'watch'] },
          { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
        ],
      },
    },
    {
      resource: rbac.clusterRoleBindings,
      object: {
        metadata: { name: 'system:coredns' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:coredns' },
        subjects: [{ kind: 'ServiceAccount', name: 'coredns', namespace }],
      },
    },
    {
      resource: configMaps,
      object: { metadata: { name: 'coredns', namespace }, data: { Corefile: corefile(domain) } },
    },
    { resource: deployments, object: deployment(image) },
    {
      resource: services,
      object: {
        metadata: {
          name: 'kube-dns',
          namespace,
          labels,
          annotations: { 'prometheus.io/port': '9153', 'prometheus.io/scrape': 'true' },
        },
        spec: {
          selector: { 'k8s-app': 'kube-dns' },
          clusterIP: address,
          ports: [
            { name: 'dns', port: 53, protocol: 'UDP' },
            { name: 'dns-tcp', port: 53, protocol: 'TCP' },
            { name: 'metrics', port: 9153, protocol: 'TCP' },
          ],
        },
      },
    },
  ]
}

function corefile(domain: string): string {
  return `${domain}:53 in-addr.arpa:53 ip6.arpa:53 {
    errors
    health {
        lameduck 5s
    }
    ready
    kubernetes ${domain} in-addr.arpa ip6.arpa {
        pods insecure
        ttl 5
    }
    prometheus :9153
    cache 5
    loop
    reload
    loadbalance
}
.:53 {
    errors
    template ANY ANY {
        rcode NXDOMAIN
    }
}
`
}

function deployment(image: string): Manifest['object'] {
  return {
    metadata: { name: 'coredns', namespace, labels },
    spec: {
      replicas: 1,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } },
      selector: { matchLabels: { 'k8s-app': 'kube-dns' } },
      template: { metadata: { labels: { 'k8s-app': 'kube-dns' } }, spec: podSpec(image) },
    },
  }
}

function podSpec(image: string): object {
  return {
    securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
    priorityClassName: 'system-cluster-critical',
    serviceAccountName: 'coredns',
    tolerations: [{ key: 'CriticalAddonsOnly', operator: 'Exists' }],
    nodeSelector: { 'kubernetes.io/os': 'linux' },
    // On a simulated node it would be Ready and answer nothing.
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'type', operator: 'NotIn', values: ['kwok'] }] }],
        },
      },
    },
    dnsPolicy: 'Default',
    containers: [
      {
        name: 'coredns',
        image,
        imagePullPolicy: 'IfNotPresent',
        resources: { limits: { memory: '170Mi' }, requests: { cpu: '100m', memory: '70Mi' } },
        args: ['-conf', '/etc/coredns/Corefile'],
        volumeMounts: [{ name: 'config-volume', mountPath: '/etc/coredns', readOnly: true }],
        ports: [
          { containerPort: 53, name: 'dns', protocol: 'UDP' },
          { containerPort: 53, name: 'dns-tcp', protocol: 'TCP' },
          { containerPort: 9153, name: 'metrics', protocol: 'TCP' },
        ],
        livenessProbe: {
          httpGet: { path: '/health', port: 8080, scheme: 'HTTP' },
          initialDelaySeconds: 60,
          timeoutSeconds: 5,
          failureThreshold: 5,
        },
        readinessProbe: { httpGet: { path: '/ready', port: 8181, scheme: 'HTTP' }, periodSeconds: 1 },
        securityContext: {
          allowPrivilegeEscalation: false,
          capabilities: { add: ['NET_BIND_SERVICE'], drop: ['ALL'] },
          readOnlyRootFilesystem: true,
        },
      },
    ],
    volumes: [
      { name: 'config-volume', configMap: { name: 'coredns', items: [{ key: 'Corefile', path: 'Corefile' }] } },
    ],
  }
}

/** Resolves when cluster DNS has a replica that answers. @throws after the time-out */
export async function dnsAvailable(client: Client, timeoutMs = 60_000): Promise<void> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const found = await client.get(deployments, { namespace, name: 'coredns' })
    if ((found?.status?.availableReplicas ?? 0) > 0) return
    if (Date.now() > deadline) throw new Error(`${client.name}: CoreDNS is not available after ${timeoutMs / 1000} s`)
    await sleep(50)
  }
}
