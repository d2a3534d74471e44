import path from 'node:path'
import { dump } from 'js-yaml'
import type { NodePlan } from './plan.ts'

export const kubeletHealthPort = 10248

/** KubeletConfiguration (kubelet.config.k8s.io/v1beta1), YAML; certificates and resolv.conf lie in the node's folder. */
export function kubeletConfig(node: NodePlan, dnsAddress: string): string {
  const file = (name: string): string => path.join(node.dir, 'etc', name)
  return dump({
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: file('ca.crt') },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: file('kubelet.crt'),
    tlsPrivateKeyFile: file('kubelet.key'),
    healthzBindAddress: node.address,
    healthzPort: kubeletHealthPort,
    containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
    clusterDomain: 'cluster.local',
    clusterDNS: [dnsAddress],
    resolvConf: file('resolv.conf'),
    volumePluginDir: '/var/lib/kubelet/volume-plugins',
    cgroupRoot: node.cgroup,
    cgroupDriver: 'cgroupfs',
    cgroupsPerQOS: true,
    enforceNodeAllocatable: [],
    failCgroupV1: false,
    failSwapOn: false,
    oomScoreAdj: 0,
    serializeImagePulls: false,
    // No registry gives an image back that was collected, so a full disk of the host must not evict anything.
    imageGCHighThresholdPercent: 100,
    evictionHard: {
      'memory.available': '0%',
      'nodefs.available': '0%',
      'nodefs.inodesFree': '0%',
      'imagefs.available': '0%',
    },
    // Tests wait for what ConfigMaps and Secrets bring into running pods.
    syncFrequency: '10s',
    logging: { format: 'text', verbosity: 2 },
  })
}

/**
 * Kernel settings that a kubelet insists on (pkg/kubelet/cm/container_manager_linux.go, setupKernelTunables) and would
 * otherwise change on the whole machine: it is shown files that already hold them.
 */
export const kernelTunables: Readonly<Record<string, string>> = {
  '/proc/sys/vm/overcommit_memory': '1',
  '/proc/sys/vm/panic_on_oom': '0',
  '/proc/sys/kernel/panic': '10',
  '/proc/sys/kernel/panic_on_oops': '1',
  '/proc/sys/kernel/keys/root_maxkeys': '1000000',
  '/proc/sys/kernel/keys/root_maxbytes': '25000000',
}
