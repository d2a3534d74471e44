import type { ConfigMap, Node } from '@kosmos/kube'
import { load } from 'js-yaml'
import { type ReadNetworks, readNetworkList, type Said, saidBy } from '../stated.ts'
import { fieldsOf } from './fields.ts'
import { nodesSay } from './kubernetes.ts'

/** A ConfigMap in which networks stand. Only there: anybody may make one of the same name elsewhere. */
export interface Setting {
  readonly namespace: string
  readonly name: string
  /** Of its data; kept, the rest is not. */
  readonly key: string
}

export const settings = {
  kubeadm: [{ namespace: 'kube-system', name: 'kubeadm-config', key: 'ClusterConfiguration' }],
  kubeProxy: [{ namespace: 'kube-system', name: 'kube-proxy', key: 'config.conf' }],
  flannel: [
    { namespace: 'kube-flannel', name: 'kube-flannel-cfg', key: 'net-conf.json' },
    { namespace: 'kube-system', name: 'kube-flannel-cfg', key: 'net-conf.json' },
  ],
} as const satisfies Readonly<Record<string, readonly Setting[]>>

type Fields = ReturnType<typeof fieldsOf>

/** The networks that flanneld is told of; it gives a node what is the node's in `spec.podCIDRs`. */
export function flannelSays(configMaps: readonly ConfigMap[], nodes: readonly Node[]): Said {
  const read = readSettings(settings.flannel, configMaps, (fields, by) => ({
    pods: [
      ...(fields.EnableIPv4 === false ? [] : [readNetworkList(by, fields.Network)]),
      ...(fields.EnableIPv6 === true ? [readNetworkList(by, fields.IPv6Network)] : []),
    ],
    services: [],
  }))
  return saidBy('ConfigMap of Flannel', { ...read, ...(read.pods.length > 0 && { nodes: nodesSay(nodes).nodes }) })
}

/** What kubeadm made the cluster with. */
export function kubeadmSays(configMaps: readonly ConfigMap[]): Said {
  const read = readSettings(settings.kubeadm, configMaps, ({ networking }, by) => {
    const { podSubnet, serviceSubnet } = fieldsOf(networking)
    return { pods: [readNetworkList(by, podSubnet)], services: [readNetworkList(by, serviceSubnet)] }
  })
  return saidBy('ConfigMap of kubeadm', read)
}

/** What kube-proxy takes for the network of the pods. */
export function kubeProxySays(configMaps: readonly ConfigMap[]): Said {
  const read = readSettings(settings.kubeProxy, configMaps, ({ clusterCIDR }, by) => ({
    pods: [readNetworkList(by, clusterCIDR)],
    services: [],
  }))
  return saidBy('ConfigMap of kube-proxy', read)
}

interface ReadSetting {
  readonly pods: readonly ReadNetworks[]
  readonly services: readonly ReadNetworks[]
}

function readSettings(
  places: readonly Setting[],
  configMaps: readonly ConfigMap[],
  read: (fields: Fields, by: string) => ReadSetting,
): Pick<Said, 'pods' | 'services' | 'invalid'> {
  const pods: ReadNetworks[] = []
  const services: ReadNetworks[] = []
  const unreadable: string[] = []
  for (const { namespace, name, key } of places) {
    const text = configMaps.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name)?.data?.[
      key
    ]
    if (text === undefined) continue
    const by = `ConfigMap ${namespace}/${name}`
    const fields = parse(text)
    if (fields === undefined) unreadable.push(`${key} of ${by} cannot be read`)
    else {
      const found = read(fields, by)
      pods.push(...found.pods)
      services.push(...found.services)
    }
  }
  return {
    pods: pods.flatMap(({ stated }) => stated),
    services: services.flatMap(({ stated }) => stated),
    invalid: [...unreadable, ...[...pods, ...services].flatMap(({ invalid }) => invalid)],
  }
}

/** JSON is YAML. */
function parse(text: string): Fields | undefined {
  try {
    return fieldsOf(load(text))
  } catch {
    return undefined
  }
}
