import type { StoredClusterNode, StoredLinkPolicy, StoredNodeConfig } from '@kosmos/cluster-link'
import type { Pod, StoredCluster } from '@kosmos/kube'
import type { LinkCheck } from '../check/check.ts'
import { linkCheckData } from '../check/data.ts'
import { linkCheckText } from '../check/text.ts'
import type { LinkFacts } from '../network/facts.ts'

/** Files of a bundle by their paths. What is not listed here is not in it: whatever objects may hold, secrets do not get in. */
export function bundleContents(facts: LinkFacts, check: LinkCheck, kosmosctl: string): Map<string, string> {
  const files = new Map<string, string>()
  const put = (path: string, data: unknown) => files.set(path, `${JSON.stringify(data, null, 2)}\n`)
  put('versions.json', {
    kosmosctl,
    root: facts.rootVersion,
    time: new Date(facts.now).toISOString(),
    controllerSeen: facts.controllerSeen === undefined ? null : new Date(facts.controllerSeen).toISOString(),
    clusters: Object.fromEntries(
      facts.clusters.map(({ name, inside }) => [name, 'error' in inside ? { error: inside.error } : inside.version]),
    ),
  })
  put(
    'clusters.json',
    facts.clusters.map(({ cluster }) => plainCluster(cluster)),
  )
  put(
    'clusternodes.json',
    facts.clusters.flatMap(({ nodes }) => nodes.map(plainObject)),
  )
  put('clusterlinkpolicies.json', facts.policies.map(plainObject))
  for (const { name, inside } of facts.clusters) {
    if ('error' in inside) continue
    put(`nodeconfigs/${name}.json`, inside.configs.map(plainObject))
    if (inside.agents) put(`agents/${name}.json`, inside.agents.map(plainAgent))
  }
  put('link-check.json', linkCheckData(check))
  files.set('link-check.txt', `${linkCheckText(check, true)}\n`)
  return files
}

const plainMetadata = ({
  name,
  uid,
  generation,
  creationTimestamp,
  deletionTimestamp,
  finalizers,
}: StoredCluster['metadata'] & { generation?: number; creationTimestamp?: string }) => ({
  name,
  uid,
  generation,
  creationTimestamp,
  deletionTimestamp,
  finalizers,
})

/** Of the spec, what ClusterLink reads; never the kubeconfig, which may be in the spec itself. */
const plainCluster = ({ metadata, spec, status }: StoredCluster) => ({
  metadata: plainMetadata(metadata),
  spec: { clusterLinkOptions: spec.clusterLinkOptions, hasVirtualNodes: spec.clusterTreeOptions?.enable === true },
  status: { conditions: status?.conditions, clusterLinkStatus: status?.clusterLinkStatus },
})

/** ClusterNodes and NodeConfigs hold addresses and public keys only; private keys do not leave their nodes. */
const plainObject = ({ metadata, spec, status }: StoredClusterNode | StoredLinkPolicy | StoredNodeConfig) => ({
  metadata: plainMetadata(metadata as StoredCluster['metadata']),
  spec,
  status,
})

const plainAgent = ({ metadata, spec, status }: Pod) => ({
  name: metadata.name,
  node: spec.nodeName,
  image: spec.containers[0]?.image,
  phase: status?.phase,
  conditions: status?.conditions?.map(({ type, status, reason }) => ({ type, status, reason })),
  restarts: status?.containerStatuses?.map(({ restartCount }) => restartCount),
})
