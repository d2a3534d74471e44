/**
 * The one place that pins what a test bed runs: versions, where official archives lie, how to build without them.
 * The Go modules below `modules/` pin the same versions with the checksums of every dependency.
 */

export type ToolSet =
  | 'kubernetes'
  | 'kubernetes-1.30'
  | 'kubernetes-1.31'
  | 'conformance'
  | 'etcd'
  | 'kwok'
  | 'containerd'
  | 'coredns'
  | 'metrics-server'
  | 'virtual-kubelet'
  | 'cloudnative-pg'
  | 'prometheus-operator'
  | 'prometheus'
  | 'skipper'
  | 'cert-manager'
  | 'csi-hostpath'
  | 'flannel'
  | 'flannel-cni'
  | 'kube-router'
  | 'cilium'
  | 'helm'
  | 'calico'

/** `{version}`, `{os}`, `{arch}`, `{name}` and (version without its v) `{number}` are filled in. */
export interface OfficialRelease {
  readonly baseUrl: string
  /** Environment variable that replaces `baseUrl`, for mirrors. */
  readonly baseUrlVariable: string
  /** Path of the binary, or of the archive that holds it, below `baseUrl`. */
  readonly path: string
  /** Path of a file with the SHA-256 of `path`: either the bare digest or lines of `digest  name`. Absent: not published. */
  readonly checksumPath?: string
  /** Path of the binary in a .tar.gz; absent when `path` is the binary itself. */
  readonly member?: string
}

export interface Binary {
  /** Go package that is the command; what it is built to is renamed to the binary's name. */
  readonly package?: string
  /** For data: files of the tool set's main Go module, joined as YAML documents. */
  readonly moduleFiles?: { readonly module: string; readonly files: readonly string[] }
  /** For data: a folder of the tool set's main Go module, with all that is in it. */
  readonly moduleFolder?: { readonly module: string; readonly folder: string }
  /** False when it is in no release archive. */
  readonly official?: boolean
  /** Where this one lies, if not as the release says. */
  readonly release?: Partial<OfficialRelease>
}

export interface ToolSetPin {
  readonly version: string
  readonly tags?: readonly string[]
  /** Some of it is C, so that building it needs a C compiler. */
  readonly cgo?: true
  /** `-X` flags of the linker. */
  readonly variables?: Readonly<Record<string, string>>
  readonly release: OfficialRelease
  readonly binaries: Readonly<Record<string, Binary>>
}

const agnhostFile = (name: string): Binary => ({
  moduleFiles: { module: 'k8s.io/kubernetes', files: [`test/images/agnhost/porter/${name}`] },
  official: false,
})

const moduleFile = (module: string, file: string): Binary => ({
  moduleFiles: { module, files: [file] },
  official: false,
})

/** Of what is released as images only. */
const imagesOnly = (baseUrlVariable: string): OfficialRelease => ({ baseUrl: '', baseUrlVariable, path: '' })

const certManager = 'github.com/cert-manager/cert-manager'

const prometheusOperator = 'github.com/prometheus-operator/prometheus-operator'

const cilium = 'github.com/cilium/cilium'
const ciliumVersion = 'v1.20.2'

const flannel = 'github.com/flannel-io/flannel'
const flannelVersion = 'v0.28.10'

const calico = 'github.com/projectcalico/calico'
const calicoVersion = 'v3.28.5'

const kubernetesVersion = 'v1.37.2'

/** Other versions that a control plane can have, by {@link binaryOf}: of the oldest root and of an old leaf. */
export const otherKubernetes = ['1.30', '1.31'] as const
export type OtherKubernetes = (typeof otherKubernetes)[number]

/** What the programs of a version say that they are; tests choose by it what a version allows. */
const kubernetesVariables = (version: string) => ({
  'k8s.io/component-base/version.gitVersion': version,
  'k8s.io/component-base/version.gitMajor': '1',
  'k8s.io/component-base/version.gitMinor': version.split('.')[1] ?? '',
})

const kubernetesRelease = (name: string): OfficialRelease => ({
  baseUrl: 'https://dl.k8s.io',
  baseUrlVariable: 'KOSMOS_KUBERNETES_URL',
  path: `release/{version}/bin/{os}/{arch}/${name}`,
  checksumPath: `release/{version}/bin/{os}/{arch}/${name}.sha256`,
})

const olderKubernetes = (minor: OtherKubernetes, version: string): ToolSetPin => ({
  version,
  variables: kubernetesVariables(version),
  release: kubernetesRelease('{name}'),
  binaries: Object.fromEntries(
    ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'].map((name) => [
      `${name}-${minor}`,
      { package: `k8s.io/kubernetes/cmd/${name}`, release: kubernetesRelease(name) },
    ]),
  ),
})

export const toolSets: Readonly<Record<ToolSet, ToolSetPin>> = {
  kubernetes: {
    version: kubernetesVersion,
    variables: kubernetesVariables(kubernetesVersion),
    release: kubernetesRelease('{name}'),
    binaries: {
      'kube-apiserver': { package: 'k8s.io/kubernetes/cmd/kube-apiserver' },
      'kube-controller-manager': { package: 'k8s.io/kubernetes/cmd/kube-controller-manager' },
      'kube-scheduler': { package: 'k8s.io/kubernetes/cmd/kube-scheduler' },
      kubectl: { package: 'k8s.io/kubernetes/cmd/kubectl' },
      kubelet: { package: 'k8s.io/kubernetes/cmd/kubelet' },
      'kube-proxy': { package: 'k8s.io/kubernetes/cmd/kube-proxy' },
      // Released as an image only.
      agnhost: { package: 'k8s.io/kubernetes/test/images/agnhost', official: false },
      nonewprivs: { package: 'k8s.io/kubernetes/test/images/nonewprivs', official: false },
      // agnhost's own, for its TLS servers.
      'localhost.crt': agnhostFile('localhost.crt'),
      'localhost.key': agnhostFile('localhost.key'),
    },
  },
  'kubernetes-1.30': olderKubernetes('1.30', 'v1.30.14'),
  'kubernetes-1.31': olderKubernetes('1.31', 'v1.31.0'),
  conformance: {
    version: kubernetesVersion,
    variables: kubernetesVariables(kubernetesVersion),
    release: { baseUrl: 'https://dl.k8s.io', baseUrlVariable: 'KOSMOS_KUBERNETES_URL', path: '' },
    // Ours leaves the suites of networks and clouds out; released in an archive of 300 MB only.
    binaries: { 'e2e.test': { package: 'kosmos.io/testbed/conformance/e2e', official: false } },
  },
  etcd: {
    version: 'v3.6.16',
    release: {
      baseUrl: 'https://github.com/etcd-io/etcd/releases/download',
      baseUrlVariable: 'KOSMOS_ETCD_URL',
      path: '{version}/etcd-{version}-{os}-{arch}.tar.gz',
      checksumPath: '{version}/SHA256SUMS',
      member: 'etcd-{version}-{os}-{arch}/{name}',
    },
    binaries: { etcd: { package: 'go.etcd.io/etcd/server/v3' } },
  },
  kwok: {
    version: 'v0.8.0',
    release: {
      baseUrl: 'https://github.com/kubernetes-sigs/kwok/releases/download',
      baseUrlVariable: 'KOSMOS_KWOK_URL',
      path: '{version}/{name}-{os}-{arch}',
      // The project publishes no checksums, so only a mirror that adds them is of use.
      checksumPath: '{version}/{name}-{os}-{arch}.sha256',
    },
    binaries: {
      kwok: { package: 'sigs.k8s.io/kwok/cmd/kwok' },
      // What kwok does to nodes and pods: without stages it refuses to start.
      'stage-fast.yaml': {
        release: { path: '{version}/{name}', checksumPath: '{version}/{name}.sha256' },
        moduleFiles: {
          module: 'sigs.k8s.io/kwok',
          files: [
            'kustomize/stage/node/fast/node-initialize.yaml',
            'kustomize/stage/node/heartbeat-with-lease/node-heartbeat-with-lease.yaml',
            'kustomize/stage/pod/fast/pod-ready.yaml',
            'kustomize/stage/pod/fast/pod-complete.yaml',
            'kustomize/stage/pod/fast/pod-delete.yaml',
          ],
        },
      },
    },
  },
  containerd: {
    version: 'v2.2.1',
    tags: ['no_btrfs'],
    release: {
      baseUrl: 'https://github.com/containerd/containerd/releases/download',
      baseUrlVariable: 'KOSMOS_CONTAINERD_URL',
      path: '{version}/containerd-{number}-{os}-{arch}.tar.gz',
      checksumPath: '{version}/containerd-{number}-{os}-{arch}.tar.gz.sha256sum',
      member: 'bin/{name}',
    },
    binaries: {
      containerd: { package: 'github.com/containerd/containerd/v2/cmd/containerd' },
      'containerd-shim-runc-v2': { package: 'github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2' },
      ctr: { package: 'github.com/containerd/containerd/v2/cmd/ctr' },
      // Ours: the first process of every pod.
      pause: { package: 'kosmos.io/testbed/containerd/pause', official: false },
    },
  },
  coredns: {
    version: 'v1.14.7',
    release: {
      baseUrl: 'https://github.com/coredns/coredns/releases/download',
      baseUrlVariable: 'KOSMOS_COREDNS_URL',
      path: '{version}/coredns_{number}_{os}_{arch}.tgz',
      checksumPath: '{version}/coredns_{number}_{os}_{arch}.tgz.sha256',
      member: '{name}',
    },
    // Ours leaves the plugins of clouds out; a release has them too.
    binaries: { coredns: { package: 'kosmos.io/testbed/coredns/coredns' } },
  },
  helm: {
    version: 'v4.3.2',
    release: {
      baseUrl: 'https://get.helm.sh',
      baseUrlVariable: 'KOSMOS_HELM_URL',
      path: 'helm-{version}-{os}-{arch}.tar.gz',
      checksumPath: 'helm-{version}-{os}-{arch}.tar.gz.sha256sum',
      member: '{os}-{arch}/helm',
    },
    binaries: { helm: { package: 'helm.sh/helm/v4/cmd/helm' } },
  },
  'virtual-kubelet': {
    version: 'v1.14.1',
    // A Go package for others to run, not released as a program.
    release: { baseUrl: '', baseUrlVariable: 'KOSMOS_VIRTUAL_KUBELET_URL', path: '' },
    binaries: {
      'virtual-kubelet-e2e': { package: 'kosmos.io/testbed/virtual-kubelet/virtual-kubelet-e2e', official: false },
    },
  },
  'metrics-server': {
    version: 'v0.9.0',
    // Released as an image only.
    release: { baseUrl: '', baseUrlVariable: 'KOSMOS_METRICS_SERVER_URL', path: '' },
    binaries: { 'metrics-server': { package: 'sigs.k8s.io/metrics-server/cmd/metrics-server', official: false } },
  },
  'cloudnative-pg': {
    version: 'v1.28.0',
    release: imagesOnly('KOSMOS_CLOUDNATIVE_PG_URL'),
    binaries: {
      'cloudnative-pg': { package: 'github.com/cloudnative-pg/cloudnative-pg/cmd/manager', official: false },
      'cloudnative-pg.yaml': moduleFile('github.com/cloudnative-pg/cloudnative-pg', 'releases/cnpg-1.28.0.yaml'),
    },
  },
  'prometheus-operator': {
    version: 'v0.85.0',
    release: imagesOnly('KOSMOS_PROMETHEUS_OPERATOR_URL'),
    binaries: {
      'prometheus-operator': { package: `${prometheusOperator}/cmd/operator`, official: false },
      'prometheus-config-reloader': {
        package: `${prometheusOperator}/cmd/prometheus-config-reloader`,
        official: false,
      },
      'prometheus-operator.yaml': moduleFile(prometheusOperator, 'bundle.yaml'),
    },
  },
  prometheus: {
    version: 'v0.316.0',
    // Discovery in clouds would be most of the build.
    tags: ['remove_all_sd', 'enable_kubernetes_sd'],
    release: imagesOnly('KOSMOS_PROMETHEUS_URL'),
    binaries: { prometheus: { package: 'github.com/prometheus/prometheus/cmd/prometheus', official: false } },
  },
  skipper: {
    version: 'v0.22.0',
    release: imagesOnly('KOSMOS_SKIPPER_URL'),
    binaries: { skipper: { package: 'github.com/zalando/skipper/cmd/skipper', official: false } },
  },
  'cert-manager': {
    // The last minor version whose commands are in the Go module; later ones are modules that the proxy does not have.
    version: 'v1.11.5',
    release: imagesOnly('KOSMOS_CERT_MANAGER_URL'),
    binaries: {
      'cert-manager-controller': { package: `${certManager}/cmd/controller`, official: false },
      'cert-manager-webhook': { package: `${certManager}/cmd/webhook`, official: false },
      'cert-manager-cainjector': { package: `${certManager}/cmd/cainjector`, official: false },
      // Templates of the chart, in which only names are filled in.
      'cert-manager-crds.yaml': {
        moduleFiles: {
          module: certManager,
          files: ['certificaterequests', 'certificates', 'challenges', 'clusterissuers', 'issuers', 'orders'].map(
            (kind) => `deploy/crds/crd-${kind}.yaml`,
          ),
        },
        official: false,
      },
    },
  },
  'csi-hostpath': {
    // Of the driver, which is ours; those of the others are in go.mod.
    version: 'v1',
    release: imagesOnly('KOSMOS_CSI_URL'),
    binaries: {
      'csi-hostpath': { package: 'kosmos.io/testbed/csi-hostpath/driver', official: false },
      'csi-provisioner': {
        package: 'github.com/kubernetes-csi/external-provisioner/v6/cmd/csi-provisioner',
        official: false,
      },
      'csi-resizer': { package: 'github.com/kubernetes-csi/external-resizer/v2/cmd/csi-resizer', official: false },
    },
  },
  flannel: {
    version: flannelVersion,
    // Its backend `udp`, which nothing here uses.
    cgo: true,
    variables: { [`${flannel}/pkg/version.Version`]: flannelVersion },
    release: imagesOnly('KOSMOS_FLANNEL_URL'),
    binaries: {
      flanneld: { package: flannel, official: false },
      'kube-flannel.yml': moduleFile(flannel, 'Documentation/kube-flannel.yml'),
    },
  },
  'flannel-cni': {
    // The last version of the plug-ins that has Flannel's; since then it is a module that the proxy does not have.
    version: 'v0.9.1',
    release: imagesOnly('KOSMOS_FLANNEL_CNI_URL'),
    binaries: { flannel: { package: 'github.com/containernetworking/plugins/plugins/meta/flannel', official: false } },
  },
  'kube-router': {
    // The last version that the proxy has.
    version: 'v2.1.0',
    release: imagesOnly('KOSMOS_KUBE_ROUTER_URL'),
    // Ours runs its NetworkPolicies alone.
    binaries: { 'kube-router-policies': { package: 'kosmos.io/testbed/kube-router/policies', official: false } },
  },
  calico: {
    version: calicoVersion,
    variables: { [`${calico}/felix/buildinfo.GitVersion`]: calicoVersion, 'main.VERSION': calicoVersion },
    release: imagesOnly('KOSMOS_CALICO_URL'),
    binaries: {
      'calico-felix': { package: `${calico}/felix/cmd/calico-felix`, official: false },
      // The CNI plug-in, and its IPAM when it is called calico-ipam.
      calico: { package: `${calico}/cni-plugin/cmd/calico`, official: false },
      'calico-crds.yaml': {
        moduleFiles: {
          module: calico,
          files: [
            'bgpconfigurations',
            'bgpfilters',
            'bgppeers',
            'blockaffinities',
            'clusterinformations',
            'felixconfigurations',
            'globalnetworkpolicies',
            'globalnetworksets',
            'hostendpoints',
            'ipamblocks',
            'ipamconfigs',
            'ipamhandles',
            'ippools',
            'ipreservations',
            'kubecontrollersconfigurations',
            'networkpolicies',
            'networksets',
          ].map((kind) => `libcalico-go/config/crd/crd.projectcalico.org_${kind}.yaml`),
        },
        official: false,
      },
    },
  },
  cilium: {
    version: ciliumVersion,
    // IPAM out of pools of the cluster, not those of clouds.
    tags: ['ipam_provider_operator'],
    variables: { [`${cilium}/pkg/version.ciliumVersion`]: ciliumVersion.slice(1) },
    release: imagesOnly('KOSMOS_CILIUM_URL'),
    binaries: {
      'cilium-agent': { package: `${cilium}/daemon`, official: false },
      'cilium-operator': { package: `${cilium}/operator`, official: false },
      'cilium-cni': { package: `${cilium}/plugins/cilium-cni`, official: false },
      // What the agent compiles on the node.
      bpf: { moduleFolder: { module: cilium, folder: 'bpf' }, official: false },
    },
  },
}

/** The Go toolchain that the modules are built with when the machine has none (from the Go module proxy). */
export const goToolchain = 'go1.26.8'

/** Checksums of the toolchain's zip, as the Go checksum database has them. */
export const goToolchainSums: Readonly<Record<string, string>> = {
  'linux-amd64': 'h1:ZOmGe1OnfREDMIdb1Qi4G9JSuDPBLGExZMQ4nis1RXM=',
  'linux-arm64': 'h1:sYL/O6MqS68ML0kjsQ36WoYIpJqkw60TxizWUYUKQMc=',
}

/** Programs that come from the distribution: the file that proves them present, and the Debian package that brings it. */
export const debianPrograms = {
  runc: { file: '/usr/sbin/runc', package: 'runc' },
  'cni-bridge': { file: '/usr/lib/cni/bridge', package: 'containernetworking-plugins' },
  nft: { file: '/usr/sbin/nft', package: 'nftables' },
  iptables: { file: '/usr/sbin/iptables', package: 'iptables' },
  // What kube-router calls.
  ipset: { file: '/usr/sbin/ipset', package: 'ipset' },
  conntrack: { file: '/usr/sbin/conntrack', package: 'conntrack' },
  // Cilium's agent compiles with it, and calls it by this name.
  clang: { file: '/usr/lib/llvm-19/bin/clang', package: 'clang-19' },
  busybox: { file: '/bin/busybox', package: 'busybox-static' },
  ip: { file: '/sbin/ip', package: 'iproute2' },
  curl: { file: '/usr/bin/curl', package: 'curl' },
  dig: { file: '/usr/bin/dig', package: 'bind9-dnsutils' },
  nc: { file: '/bin/nc.openbsd', package: 'netcat-openbsd' },
  'mkfs.xfs': { file: '/sbin/mkfs.xfs', package: 'xfsprogs' },
  xfs_growfs: { file: '/sbin/xfs_growfs', package: 'xfsprogs' },
  // What the agents of ClusterLink call, and what tests look at packets with.
  fping: { file: '/usr/bin/fping', package: 'fping' },
  wg: { file: '/usr/bin/wg', package: 'wireguard-tools' },
  'wireguard-go': { file: '/usr/bin/wireguard-go', package: 'wireguard-go' },
  charon: { file: '/usr/sbin/charon-systemd', package: 'charon-systemd' },
  // AES-GCM, X25519 and Ed25519.
  'charon-openssl': {
    file: '/usr/lib/ipsec/plugins/libstrongswan-openssl.so',
    package: 'libstrongswan-standard-plugins',
  },
  // ESP in user space.
  'charon-libipsec': {
    file: '/usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so',
    package: 'libcharon-extra-plugins',
  },
  tcpdump: { file: '/usr/bin/tcpdump', package: 'tcpdump' },
  ping: { file: '/bin/ping', package: 'iputils-ping' },
  iperf3: { file: '/usr/bin/iperf3', package: 'iperf3' },
  // Of every Debian; the kubelet calls it for block volumes.
  losetup: { file: '/sbin/losetup', package: 'mount' },
} as const

export type DebianProgram = keyof typeof debianPrograms
