import { rootClusterLabel } from '@kosmos/api'
import { serviceExports, serviceImports } from '@kosmos/cluster-link'
import {
  type Client,
  type CustomResourceDefinition,
  customResourceDefinitions,
  describeObject,
  isForbidden,
  isGone,
  type KubeObject,
  type Resource,
} from '@kosmos/kube'
import { managedBy, managedByLabel } from '../clusters/names.ts'
import { applyTo } from '../clusters/own.ts'
import type { Manifest } from '../clusters/resources.ts'
import { established } from './definitions.ts'
import { deployedManifests } from './deploy-folder.ts'
import { partOf } from './manifests.ts'

/** Labels by which the Multi-Cluster Services API says of its kinds how new they are. */
const RELEASE = 'multicluster.x-k8s.io/release-version'
const REVISION = 'multicluster.x-k8s.io/crd-schema-revision'

/** Labels of what one installation made, by which it knows it again. */
export type Mark = Readonly<Record<string, string>>

/** What install makes in the root. */
export const markOfInstall: Mark = { [partOf.label]: partOf.value, [managedByLabel]: managedBy }

/** What join makes in a leaf, for one root. */
export const markOfJoin = (rootId: string): Mark => ({ [rootClusterLabel]: rootId, [managedByLabel]: managedBy })

/** ServiceExport and ServiceImport, as sigs.k8s.io/mcs-api publishes them. */
export async function mcsDefinitions(mark: Mark): Promise<Manifest[]> {
  const kinds = ['serviceexports', 'serviceimports']
  const files = await Promise.all(kinds.map((kind) => deployedManifests(`mcs/multicluster.x-k8s.io_${kind}.yaml`)))
  return files.flat().map((definition) => {
    const { metadata } = definition
    return { ...definition, metadata: { ...metadata, labels: { ...metadata?.labels, ...mark } } }
  })
}

/**
 * Stores the kinds of the Multi-Cluster Services API where they are missing, or were made with this mark. Those of somebody
 * else serve us as well, and stay as they are. @returns what was stored
 */
export async function installMcsDefinitions(
  client: Client,
  mark: Mark,
  warn: (text: string) => void,
): Promise<Manifest[]> {
  const stored: Manifest[] = []
  for (const definition of await mcsDefinitions(mark)) {
    const name = definition.metadata?.name ?? ''
    const present = await client.get(customResourceDefinitions, { name })
    if (present !== undefined && !bears(present, mark)) {
      if (isOlder(present, definition)) {
        warn(`${client.name}: ${describeObject(definition)} is somebody else's and older than ours; it stays as it is`)
      }
      continue
    }
    await applyTo(client, definition)
    await established(client, name)
    stored.push(definition)
  }
  return stored
}

/** What became of what {@link installMcsDefinitions} stored. */
export interface McsRemoval {
  readonly removed: readonly string[]
  readonly kept: readonly { readonly what: string; readonly name: string; readonly why: string }[]
}

/** Those of these kinds that were made with this mark, and an example of what is in them, but for what goes before them. */
export async function lookAtMcsDefinitions(
  client: Client,
  mark: Mark,
  goesBefore: (object: KubeObject) => boolean = () => false,
): Promise<readonly { readonly name: string; readonly uid: string; readonly what: string; readonly why?: string }[]> {
  const found = await Promise.all(
    ([serviceExports, serviceImports] as Resource[]).map(async (kind) => {
      const name = `${kind.plural}.${kind.group}`
      const present = await readable(client.get(customResourceDefinitions, { name }))
      if (present === undefined || !bears(present, mark)) return []
      const what = describeObject({ ...present, kind: customResourceDefinitions.kind })
      const example = await firstOf(client, kind, goesBefore)
      const why = example && `${describeObject({ ...example, kind: kind.kind })} is in it`
      return [{ name, uid: present.metadata.uid, what, ...(why !== undefined && { why }) }]
    }),
  )
  return found.flat()
}

/** Removes those of these kinds that were made with this mark, unless something is in them: that would go as well. */
export async function removeMcsDefinitions(client: Client, mark: Mark, dryRun = false): Promise<McsRemoval> {
  const removed: string[] = []
  const kept: McsRemoval['kept'][number][] = []
  for (const { name, uid, what, why } of await lookAtMcsDefinitions(client, mark)) {
    if (why !== undefined) {
      kept.push({ what, name, why })
      continue
    }
    const outcome = await client.delete(customResourceDefinitions, { name }, { uid, dryRun })
    if (outcome.ok || isGone(outcome)) removed.push(what)
    else kept.push({ what, name, why: outcome.status.message ?? outcome.reason })
  }
  return { removed, kept }
}

async function firstOf(
  client: Client,
  kind: Resource,
  isPassedOver: (object: KubeObject) => boolean,
): Promise<KubeObject | undefined> {
  for await (const { items } of client.list(kind, { metadataOnly: true })) {
    const found = items.find((object) => !isPassedOver(object))
    if (found !== undefined) return found
  }
  return undefined
}

/** The account of a cluster that was never linked may not look for them: they are not its own. */
async function readable<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (isForbidden(error)) return undefined
    throw error
  }
}

const bears = ({ metadata }: KubeObject, mark: Mark): boolean =>
  Object.entries(mark).every(([label, value]) => metadata?.labels?.[label] === value)

/** Whether a kind is older than another; one that does not say how old it is stays. Pure. */
export function isOlder(
  present: Pick<CustomResourceDefinition, 'metadata'>,
  than: Pick<Manifest, 'metadata'>,
): boolean {
  const [a, b] = [ageOf(present.metadata.labels), ageOf(than.metadata?.labels)]
  if (a === undefined || b === undefined) return false
  const index = b.findIndex((part, index) => part !== (a[index] ?? 0))
  return index >= 0 && (a[index] ?? 0) < (b[index] ?? 0)
}

function ageOf(labels: Readonly<Record<string, string>> = {}): readonly number[] | undefined {
  const release = /^v?(\d+)\.(\d+)\.(\d+)/.exec(labels[RELEASE] ?? '')
  return release ? [...release.slice(1), labels[REVISION] ?? '0'].map(Number) : undefined
}
