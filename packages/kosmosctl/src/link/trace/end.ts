import { isIP } from 'node:net'
import { type Client, pods } from '@kosmos/kube'
import { contains, parseCidr } from '@kosmos/kube/addresses'
import { Failure } from '../../terminal/failure.ts'
import type { LinkedCluster, LinkFacts, OpenMember } from '../network/facts.ts'

/** One end of a way, as it is typed. */
export type EndName =
  | { readonly cluster: string; readonly namespace: string; readonly pod: string }
  | { readonly cluster: string; readonly address: string }

/** A pod, or an address of one. */
export interface End {
  readonly cluster: string
  /** As it is to be called. */
  readonly name: string
  readonly node: string
  readonly addresses: readonly string[]
  readonly hostNetwork: boolean
}

/** `cluster/pod`, `cluster/namespace/pod` or `cluster/address`. @throws Failure */
export function parseEnd(text: string): EndName {
  const [cluster = '', second = '', third, ...rest] = text.split('/')
  if (cluster === '' || second === '' || third === '' || rest.length > 0) {
    throw new Failure(`"${text}" names no pod`, {
      next: 'write it like paris/web-0, paris/shop/web-0 or paris/10.1.2.3',
    })
  }
  if (third === undefined && isIP(second)) return { cluster, address: second }
  return { cluster, namespace: third === undefined ? 'default' : second, pod: third ?? second }
}

/** Looks where it is. @throws Failure if it is nowhere */
export async function findEnd(name: EndName, facts: LinkFacts, open: OpenMember): Promise<End> {
  const { cluster } = name
  const member = facts.clusters.find((one) => one.name === cluster)
  if (member === undefined) {
    const known = facts.clusters.map(({ name }) => name).join(', ')
    throw new Failure(`there is no linked Cluster "${cluster}"`, { next: `there are: ${known}` })
  }
  if ('address' in name) return { ...addressEnd(name.address, facts, cluster), hostNetwork: false }
  return await podEnd(name, member, open)
}

function addressEnd(address: string, { network }: LinkFacts, cluster: string): Omit<End, 'hostNetwork'> {
  const one = parseCidr(address)
  for (const node of network.get(cluster)?.nodes.values() ?? []) {
    const isThere = node.podCIDRs.some((cidr) => contains(cidr, one))
    if (isThere) return { cluster, name: `${cluster}/${address}`, node: node.name, addresses: [address] }
  }
  throw new Failure(`${address} is no address of a pod of ${cluster}`, {
    next: 'give the address that the pod has in its own cluster; kubectl get clusternodes -o yaml has the networks of all nodes',
  })
}

async function podEnd(
  { cluster, namespace, pod: podName }: Extract<EndName, { pod: string }>,
  member: LinkedCluster,
  open: OpenMember,
): Promise<End> {
  let end: End | undefined
  await open(member.cluster, async (client: Client) => {
    const pod = await client.get(pods, { namespace, name: podName })
    if (pod === undefined) {
      throw new Failure(`cluster ${cluster} has no pod ${namespace}/${podName}`, {
        next: `write it as CLUSTER/NAMESPACE/POD; in ${cluster}: kubectl get pods -A`,
      })
    }
    const addresses = (pod.status?.podIPs ?? []).flatMap(({ ip }) => ip ?? [])
    const name = `${cluster}/${namespace}/${podName}`
    if (addresses.length === 0) {
      throw new Failure(`pod ${name} has no address yet`, { next: `kubectl describe pod ${podName} -n ${namespace}` })
    }
    const { nodeName = '', hostNetwork = false } = pod.spec
    end = { cluster, name, node: nodeName, addresses, hostNetwork }
  })
  return end as unknown as End
}
