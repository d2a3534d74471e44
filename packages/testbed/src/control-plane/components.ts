import path from 'node:path'
import type { ClusterPki } from '../pki/cluster.ts'
import type { ProcessSpec } from '../processes/journal.ts'
import type { OtherKubernetes } from '../versions.ts'
import { type ClusterNetwork, ports } from './address.ts'

export const componentNames = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const
export type ComponentName = (typeof componentNames)[number]

/** The program that a component is by another version of Kubernetes than the test bed's own. */
export const binaryOf = (component: ComponentName, kubernetes?: OtherKubernetes): string =>
  component === 'etcd' || kubernetes === undefined ? component : `${component}-${kubernetes}`

export interface ControlPlanePlan {
  readonly name: string
  /** Folder of this cluster. */
  readonly dir: string
  readonly pki: ClusterPki
  readonly network: ClusterNetwork
  /** Loopback address that only this cluster uses. */
  readonly loopback: string
  /** Where the API server listens: the loopback address, or one that real nodes can reach. */
  readonly listenAddress: string
  readonly port: number
  readonly bin: Readonly<Record<ComponentName, string>>
  /** Flags of the API server beside its own. */
  readonly apiServerFlags?: Flags | undefined
}

export type Flags = Readonly<Record<string, string | number | boolean>>

/** The command lines of a control plane. Order of start: etcd, then the API server, then the rest. */
export function componentSpec(plan: ControlPlanePlan, component: ComponentName): ProcessSpec {
  const { flags, health } = describe[component](plan)
  const argv = [plan.bin[component], ...Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`)]
  return {
    id: `${plan.name}/${component}`,
    argv,
    log: path.join(plan.dir, 'logs', `${component}.log`),
    health: health.startsWith('https:') ? { url: health, caFile: plan.pki.caFile } : { url: health },
    stopTimeoutMs: 3000,
  }
}

const describe: Readonly<Record<ComponentName, (plan: ControlPlanePlan) => { flags: Flags; health: string }>> = {
  etcd: ({ name, dir, pki, loopback }) => ({
    flags: {
      name,
      'data-dir': path.join(dir, 'etcd'),
      'listen-client-urls': `https://${loopback}:${ports.etcd}`,
      'advertise-client-urls': `https://${loopback}:${ports.etcd}`,
      'listen-peer-urls': `http://${loopback}:${ports.etcdPeer}`,
      'initial-advertise-peer-urls': `http://${loopback}:${ports.etcdPeer}`,
      'initial-cluster': `${name}=http://${loopback}:${ports.etcdPeer}`,
      'listen-metrics-urls': `http://${loopback}:${ports.etcdMetrics}`,
      'cert-file': pki.file('etcd.crt'),
      'key-file': pki.file('etcd.key'),
      'client-cert-auth': true,
      // As kubeadm sets it: without it an API server has no bookmarks for collections in which nothing changes.
      'watch-progress-notify-interval': '5s',
      'trusted-ca-file': pki.caFile,
      'unsafe-no-fsync': true,
      'log-level': 'warn',
    },
    health: `http://${loopback}:${ports.etcdMetrics}/health`,
  }),

  'kube-apiserver': ({ pki, network, loopback, listenAddress, port, apiServerFlags }) => ({
    flags: {
      'bind-address': listenAddress,
      'advertise-address': listenAddress,
      'secure-port': port,
      'tls-cert-file': pki.file('kube-apiserver.crt'),
      'tls-private-key-file': pki.file('kube-apiserver.key'),
      'etcd-servers': `https://${loopback}:${ports.etcd}`,
      'etcd-cafile': pki.caFile,
      'etcd-certfile': pki.file('apiserver-etcd-client.crt'),
      'etcd-keyfile': pki.file('apiserver-etcd-client.key'),
      'service-cluster-ip-range': network.serviceCIDR,
      'client-ca-file': pki.caFile,
      'token-auth-file': pki.file('tokens.csv'),
      'authorization-mode': 'Node,RBAC',
      'enable-admission-plugins': 'NodeRestriction',
      'allow-privileged': true,
      'service-account-issuer': 'https://kubernetes.default.svc.cluster.local',
      'service-account-key-file': pki.file('service-accounts.pub'),
      'service-account-signing-key-file': pki.file('service-accounts.key'),
      'kubelet-client-certificate': pki.file('kubelet-client.crt'),
      'kubelet-client-key': pki.file('kubelet-client.key'),
      'kubelet-certificate-authority': pki.caFile,
      'kubelet-preferred-address-types': 'InternalIP,Hostname',
      // There is no kube-proxy beside it: webhooks and aggregated APIs are called at the addresses of their pods.
      'enable-aggregator-routing': true,
      'requestheader-client-ca-file': pki.file('front-proxy-ca.crt'),
      'requestheader-allowed-names': 'front-proxy-client',
      'requestheader-username-headers': 'X-Remote-User',
      'requestheader-group-headers': 'X-Remote-Group',
      'requestheader-extra-headers-prefix': 'X-Remote-Extra-',
      'proxy-client-cert-file': pki.file('front-proxy-client.crt'),
      'proxy-client-key-file': pki.file('front-proxy-client.key'),
      // The endpoints of a Service must not be loopback addresses: nobody else could reach them anyway.
      'endpoint-reconciler-type': listenAddress === loopback ? 'none' : 'lease',
      ...apiServerFlags,
    },
    health: `https://${listenAddress}:${port}/readyz`,
  }),

  'kube-controller-manager': ({ pki, network, loopback }) => ({
    flags: {
      'bind-address': loopback,
      'secure-port': ports.controllerManager,
      ...clientFlags(pki, 'kube-controller-manager'),
      controllers: '*',
      'use-service-account-credentials': true,
      'service-account-private-key-file': pki.file('service-accounts.key'),
      'root-ca-file': pki.caFile,
      'cluster-signing-cert-file': pki.caFile,
      'cluster-signing-key-file': pki.file('ca.key'),
      'cluster-cidr': network.podCIDR,
      'service-cluster-ip-range': network.serviceCIDR,
      'allocate-node-cidrs': false,
      // Stock: 15 s, which is what a test of an autoscaler would wait for.
      'horizontal-pod-autoscaler-sync-period': '5s',
    },
    health: `https://${loopback}:${ports.controllerManager}/healthz`,
  }),

  'kube-scheduler': ({ pki, loopback }) => ({
    flags: {
      'bind-address': loopback,
      'secure-port': ports.scheduler,
      ...clientFlags(pki, 'kube-scheduler'),
    },
    health: `https://${loopback}:${ports.scheduler}/healthz`,
  }),
}

/** The stock limits of 20 to 50 requests a second would be what a benchmark measures. */
function clientFlags(pki: ClusterPki, user: string): Flags {
  const file = pki.file(`${user}.kubeconfig`)
  return {
    kubeconfig: file,
    'authentication-kubeconfig': file,
    'authorization-kubeconfig': file,
    'tls-cert-file': pki.file('control-plane.crt'),
    'tls-private-key-file': pki.file('control-plane.key'),
    'kube-api-qps': 1000,
    'kube-api-burst': 2000,
    'leader-elect': false,
  }
}
