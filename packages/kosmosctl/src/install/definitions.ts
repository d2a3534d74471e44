import { setTimeout as sleep } from 'node:timers/promises'
import {
  clusterDistributionPolicyKind,
  clusterKind,
  clusterNodeKind,
  customResourceDefinition,
  distributionPolicyKind,
  nodeConfigKind,
  workloadPolicyKind,
} from '@kosmos/api'
import { type Client, customResourceDefinitions } from '@kosmos/kube'
import { applyTo } from '../clusters/own.ts'
import type { Manifest } from '../clusters/resources.ts'
import { Failure } from '../terminal/failure.ts'

const establishWithinMs = 15_000

/** The CustomResourceDefinitions of this version of Kosmos. */
export function definitions(): Manifest[] {
  return [
    clusterKind,
    workloadPolicyKind,
    distributionPolicyKind,
    clusterDistributionPolicyKind,
    clusterNodeKind,
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

async function established(root: Client, name: string): Promise<void> {
  const until = Date.now() + establishWithinMs
  for (;;) {
    const definition = await root.get(customResourceDefinitions, { name })
    if (definition?.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True')) return
    if (Date.now() > until) {
      throw new Failure(
        `root: CustomResourceDefinition ${name} is not established after ${establishWithinMs / 1000} s`,
        {
          next: `see its conditions: kubectl describe crd ${name}`,
        },
      )
    }
    await sleep(100)
  }
}
