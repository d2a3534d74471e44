import { isDeepStrictEqual } from 'node:util'
import { rootClusterLabel, rootUidAnnotation } from '@kosmos/api'
import { type Client, pods, type Service, services } from '@kosmos/kube'
import type { Random } from '../../platform/random.ts'

const NAMES = Array.from({ length: 8 }, (_, index) => `service-${index}`)

/** Creates those that are not there. */
export async function createServices(root: Client, namespace: string): Promise<void> {
  for (const name of NAMES) await root.create(services, serviceAt(namespace, name, 80))
}

/** Changes the port of one of them, or deletes it for the next one to be created. */
export async function changeServices(root: Client, namespace: string, random: Random): Promise<void> {
  const ref = { namespace, name: NAMES[random.below(NAMES.length)] ?? '' }
  if (random.below(4) === 0) {
    await root.delete(services, ref)
    await createServices(root, namespace)
  } else {
    const { spec } = serviceAt(namespace, ref.name, 1 + random.below(1_000))
    await root.patch(services, ref, { spec: { ports: spec.ports } }, { type: 'merge' })
  }
}

function serviceAt(namespace: string, name: string, port: number) {
  return { metadata: { namespace, name }, spec: { selector: { app: name }, ports: [{ port }] } }
}

/** What a leaf lacks of the Services of a namespace that it has pods of, has otherwise than the root, or has without need. */
export async function compareServices(
  root: Client,
  leaf: Client,
  namespace: string,
  rootId: string,
): Promise<string[]> {
  const options = { namespace, labelSelector: `${rootClusterLabel}=${rootId}` }
  const [originals, copies, users] = await Promise.all([
    root.listAll(services, { namespace }),
    leaf.listAll(services, options),
    leaf.listAll(pods, options),
  ])
  const wanted = new Map(users.length > 0 ? originals.map((service) => [service.metadata.name, service]) : [])
  const found = new Map(copies.map((copy) => [copy.metadata.name, copy]))
  return [
    ...[...wanted.keys()].filter((name) => !found.has(name)).map((name) => `Service ${name} is not there`),
    ...copies.flatMap((copy) => {
      const original = wanted.get(copy.metadata.name)
      if (!original) return [`Service ${copy.metadata.name} is there, and nothing needs it`]
      return isCopyOf(copy, original) ? [] : [`Service ${copy.metadata.name} is another than the root's`]
    }),
  ].map((what) => `${leaf.name}: ${what}`)
}

function isCopyOf({ metadata, spec }: Service, original: Service): boolean {
  const ports = (service: Service['spec']) => service?.ports?.map(({ port, targetPort }) => [port, targetPort])
  return (
    metadata.annotations?.[rootUidAnnotation] === original.metadata.uid &&
    isDeepStrictEqual(ports(spec), ports(original.spec))
  )
}
