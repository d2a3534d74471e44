import { setTimeout as sleep } from 'node:timers/promises'
import {
  clusterDistributionPolicyKind,
  clusterKind,
  clusterLinkPolicyKind,
  clusterNodeKind,
  customResourceDefinition,
  distributionPolicyKind,
  nodeConfigKind,
  policyIndexKind,
  workloadPolicyKind,
} from '@kosmos/api'
import { ApiError, type Client, type CustomResourceDefinition, customResourceDefinitions } from '@kosmos/kube'
import { applyTo } from '../clusters/own.ts'
import type { Manifest } from '../clusters/resources.ts'
import { Failure } from '../terminal/failure.ts'

const establishWithinMs = 15_000

/** The CustomResourceDefinitions of this version of Kosmos. */
export function definitions(): Manifest[] {
  return [
    clusterKind,
    workloadPolicyKind,
    policyIndexKind,
    distributionPolicyKind,
    clusterDistributionPolicyKind,
    clusterNodeKind,
    clusterLinkPolicyKind,
    nodeConfigKind,
  ].map(definitionOf)
}

/** The kind by which ClusterLink tells the nodes of a linked cluster what to do; it lives there. */
export const nodeConfigDefinition = (): Manifest => definitionOf(nodeConfigKind)

const definitionOf = (kind: Parameters<typeof customResourceDefinition>[0]): Manifest =>
  customResourceDefinition(kind) as unknown as Manifest

/** Stores the kinds of kosmos.io in the root and waits until it serves them. */
export async function installDefinitions(root: Client): Promise<void> {
  for (const definition of definitions()) {
    await applyTo(root, definition)
    await established(root, definition.metadata?.name ?? '')
  }
}

/** Waits until a kind is served. */
export async function established(client: Client, name: string): Promise<void> {
  const until = Date.now() + establishWithinMs
  for (;;) {
    const definition = await client.get(customResourceDefinitions, { name })
    if (definition && isEstablished(definition) && (await isServed(client, definition))) return
    if (Date.now() > until) {
      throw new Failure(
        `${client.name}: CustomResourceDefinition ${name} is not established after ${establishWithinMs / 1000} s`,
        {
          next: `see its conditions: kubectl describe crd ${name}`,
        },
      )
    }
    await sleep(100)
  }
}

const isEstablished = ({ status }: CustomResourceDefinition): boolean =>
  status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True') ?? false

/** The part of an API server that serves a kind may learn a moment later than its clients that it is established. */
async function isServed(client: Client, { spec }: CustomResourceDefinition): Promise<boolean> {
  const version = spec.versions.find(({ served }) => served)?.name ?? ''
  try {
    await client.raw(`/apis/${spec.group}/${version}/${spec.names.plural}?limit=1`)
    return true
  } catch (error) {
    // Who may not list the kind is told so before the kind is looked for.
    if (error instanceof ApiError && (error.code === 404 || error.code === 403)) return error.code === 403
    throw error
  }
}
