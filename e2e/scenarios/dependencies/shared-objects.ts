import { rootClusterLabel, rootUidAnnotation } from '@kosmos/api'
import { privateName, references, tokenSecretName } from '@kosmos/cluster-tree'
import { type Client, type ConfigMap, configMaps, type KubeObject, type Pod, pods, secrets } from '@kosmos/kube'
import type { Random } from '../../platform/random.ts'

const COUNT = 8
const indices = Array.from({ length: COUNT }, (_, index) => index)
const nameOf = (index: number) => `shared-${index}`

/** A pod that mounts one of the ConfigMaps and Secrets that the pods of a namespace share. */
export function referring<P extends { readonly metadata: { readonly name: string }; readonly spec: object }>(
  pod: P,
): P {
  const name = nameOf(Number(pod.metadata.name.split('-').at(-1)) % COUNT)
  const volumes = [
    { name: 'settings', configMap: { name } },
    { name: 'keys', secret: { secretName: name } },
  ]
  return { ...pod, spec: { ...pod.spec, volumes } }
}

/** Creates those that are not there. */
export async function createShared(root: Client, namespace: string): Promise<void> {
  for (const index of indices) {
    const metadata = { namespace, name: nameOf(index) }
    await root.create(configMaps, { metadata, data: { value: 'first' } } as KubeObject)
    await root.create(secrets, { metadata, stringData: { key: 'precious' } } as KubeObject)
  }
}

/** Changes one of them, or deletes it for the next one to be created. */
export async function changeShared(root: Client, namespace: string, random: Random): Promise<void> {
  const ref = { namespace, name: nameOf(random.below(COUNT)) }
  const resource = random.below(2) === 0 ? configMaps : secrets
  if (random.below(4) === 0) {
    await root.delete(resource, ref)
    await createShared(root, namespace)
  } else {
    const data = { value: Buffer.from(`${random.below(1_000)}`).toString('base64') }
    await root.patch(resource, ref, { data }, { type: 'merge' })
  }
}

/** An object of the leaf's own by one of the names. */
export async function createForeign(leaf: Client, namespace: string): Promise<ConfigMap> {
  const outcome = await leaf.create(configMaps, {
    metadata: { namespace, name: nameOf(0) },
    data: { value: 'of the leaf' },
  } as KubeObject)
  if (!outcome.ok) throw new Error(`foreign ConfigMap: ${outcome.status.message}`)
  return outcome.object
}

/** What a leaf lacks of what its pods need, has otherwise than the root, or has although no pod needs it. */
export async function compareShared(root: Client, leaf: Client, namespace: string, rootId: string): Promise<string[]> {
  const options = { namespace, labelSelector: `${rootClusterLabel}=${rootId}` }
  const copies = await leaf.listAll(pods, options)
  const wanted = new Set(copies.flatMap(({ spec }) => references(spec).map(({ kind, name }) => `${kind} ${name}`)))
  const present = [
    ...(await leaf.listAll(configMaps, options)).map((object) => ['ConfigMap', object] as const),
    ...(await leaf.listAll(secrets, options)).map((object) => ['Secret', object] as const),
  ]
  const originals = new Map<string, unknown>()
  for (const index of indices) {
    const ref = { namespace, name: nameOf(index) }
    for (const name of [ref.name, privateName(ref.name, rootId)]) {
      originals.set(`ConfigMap ${name}`, (await root.get(configMaps, ref))?.data)
      originals.set(`Secret ${name}`, (await root.get(secrets, ref))?.data)
    }
  }
  const has = new Set(present.map(([kind, { metadata }]) => `${kind} ${metadata.name}`))
  const said = (what: string) => `${leaf.name}: ${what}`
  return [
    ...[...wanted].filter((key) => !has.has(key)).map((key) => said(`${key} is not there`)),
    ...present.flatMap(([kind, { metadata, data }]) => {
      const key = `${kind} ${metadata.name}`
      if (!wanted.has(key)) return [said(`${key} is there, and no pod needs it`)]
      if (!originals.has(key)) return []
      return JSON.stringify(data) === JSON.stringify(originals.get(key))
        ? []
        : [said(`${key} is another than the root's`)]
    }),
    ...copies.flatMap((copy) => tokensOf(copy, has).map(said)),
  ]
}

function tokensOf({ metadata, spec }: Pod, has: ReadonlySet<string>): string[] {
  const rootUid = metadata.annotations?.[rootUidAnnotation] ?? ''
  const name = tokenSecretName({ metadata: { uid: rootUid } } as Pod)
  const mounts = spec.volumes?.some(({ projected }) => projected?.sources?.some(({ secret }) => secret?.name === name))
  return mounts && has.has(`Secret ${name}`) ? [] : [`pod ${metadata.name} has no tokens`]
}
