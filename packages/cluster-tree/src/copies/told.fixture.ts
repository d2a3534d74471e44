import { events, type KubeObject, pods, unwrap } from '@kosmos/kube'
import { eventually, type LiveCluster } from '../live.fixture.ts'

const namespace = 'default'

/** A pod of the leaf that has its variables from something. */
export async function use({ client }: LiveCluster, name: string, envFrom: readonly object[] = []): Promise<void> {
  const spec = {
    nodeName: 'kosmos-leaf',
    tolerations: [{ operator: 'Exists' }],
    automountServiceAccountToken: false,
    containers: [{ name: 'main', image: 'nginx', envFrom }],
  }
  unwrap(await client.create(pods, { metadata: { namespace, name }, spec } as KubeObject))
}

export const copied = (leaf: LiveCluster, name: string) =>
  eventually(`pod ${name} is in the leaf`, () => leaf.client.get(pods, { namespace, name }))

export const saysOnPod = (root: LiveCluster, name: string, why: RegExp) =>
  eventually(`pod ${name} says why`, async () => {
    const { status } = (await root.client.get(pods, { namespace, name })) ?? {}
    return why.test(`${status?.reason}: ${status?.message}`)
  })

export const isToldOf = (root: LiveCluster, kind: string, name: string, why: RegExp) =>
  eventually(`an Event on ${kind} ${name} says why`, async () => {
    const all = await root.client.listAll(events, { namespace })
    return all.some(
      ({ regarding, note }) => regarding?.kind === kind && regarding.name === name && why.test(note ?? ''),
    )
  })
