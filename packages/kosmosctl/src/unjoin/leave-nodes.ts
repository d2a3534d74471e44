import { setTimeout as sleep } from 'node:timers/promises'
import { clusterLabel, rootClusterLabel } from '@kosmos/api'
import { nodeConfigs, type StoredNodeConfig } from '@kosmos/cluster-link'
import { ApiError, type Client, isGone } from '@kosmos/kube'
import { deployedManifests } from '../install/deploy-folder.ts'
import { Failure } from '../terminal/failure.ts'
import type { Remainder } from './leave-leaf.ts'
import { mustBeGone } from './must-be-gone.ts'

const LOOK_MS = 300

/**
 * Has the agents of a cluster take away what they have made on their nodes, and deletes their NodeConfigs after that: once the agents are
 * gone there is nobody to do it. For when no controller does.
 * @param until when an agent that says nothing is given up
 * @returns what stays on the nodes of those
 */
export async function leaveNodes(client: Client, cluster: string, rootId: string, until: number): Promise<Remainder[]> {
  const look = () => nodeConfigsOf(client, `${rootClusterLabel}=${rootId},${clusterLabel}=${cluster}`)
  await Promise.all((await look()).filter(hasWork).map((one) => empty(client, one)))
  let left = await look()
  while (left.some(isAwaited) && Date.now() < until) {
    await sleep(LOOK_MS)
    left = await look()
  }
  await Promise.all(
    left.map(async ({ metadata: { name, uid } }) => {
      const deletion = await client.delete(nodeConfigs, { name }, { uid })
      mustBeGone(
        deletion,
        `${client.name}: NodeConfig ${name}`,
        `use credentials for the ${client.name} that may delete nodeconfigs.kosmos.io`,
      )
    }),
  )
  const silent = left.filter(isAwaited)
  return silent.length === 0 ? [] : onNodes(silent, await agentImage())
}

/** Who has never said anything has done nothing. */
const hasAgent = ({ status }: StoredNodeConfig): boolean => status?.observedGeneration !== undefined

const hasWork = (one: StoredNodeConfig): boolean => hasAgent(one) && one.spec.devices !== undefined

const isAwaited = (one: StoredNodeConfig): boolean =>
  hasAgent(one) && one.status?.observedGeneration !== one.metadata.generation

async function nodeConfigsOf(client: Client, labelSelector: string): Promise<StoredNodeConfig[]> {
  return await client.listAll(nodeConfigs, { labelSelector }).catch((error) => {
    // A cluster that was never linked has no such kind, and its account no right to look.
    if (error instanceof ApiError && (error.code === 403 || error.code === 404)) return []
    throw error
  })
}

async function empty(client: Client, { metadata: { name, uid }, spec }: StoredNodeConfig): Promise<void> {
  const nothing = Object.fromEntries(Object.keys(spec).map((field) => [field, null]))
  const patch = { metadata: { uid }, spec: { ...nothing, nodeName: spec.nodeName } }
  const outcome = await client.patch(nodeConfigs, { name }, patch, { type: 'merge' })
  if (outcome.ok || isGone(outcome)) return
  throw new Failure(`NodeConfig ${name} was not emptied: ${outcome.status.message}`, {
    next: 'use credentials that may patch nodeconfigs.kosmos.io there',
  })
}

async function agentImage(): Promise<string> {
  const manifests = await deployedManifests('link-agent.yaml')
  const [agent] = manifests.filter(({ kind }) => kind === 'DaemonSet') as unknown as DaemonSet[]
  return agent?.spec.template.spec.containers[0]?.image ?? ''
}

interface DaemonSet {
  readonly spec: {
    readonly template: { readonly spec: { readonly containers: readonly { readonly image: string }[] } }
  }
}

/** What agents have made goes with a restart of the node, or by their own program in a pod of its network. */
const onNodes = (silent: readonly StoredNodeConfig[], image: string): Remainder[] =>
  silent.map(({ spec: { nodeName } }) => ({
    what: `devices, routes and rules of ClusterLink on node ${nodeName}, until it is restarted`,
    why: 'the agent there did not say in time that it took them away',
    command: `kubectl debug node/${nodeName} --profile=sysadmin --image=${image} -- node /kosmos/link-agent.mjs --remove --state-dir=/host/var/lib/kosmos/link`,
  }))
