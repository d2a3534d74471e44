import { type Client, configMaps, type KubeObject } from '@kosmos/kube'
import PQueue from 'p-queue'
import { podOf } from './load.ts'

const IN_FLIGHT = 50
const KIBIBYTE = 'x'.repeat(1024)

/** Makes a ConfigMap of a kibibyte for each pod, or removes them. */
export async function forEachConfigMap(
  client: Client,
  { namespace, count }: { readonly namespace: string; readonly count: number },
  action: 'create' | 'delete',
): Promise<void> {
  const requests = new PQueue({ concurrency: IN_FLIGHT })
  await requests.addAll(
    Array.from({ length: count }, (_, i) => async () => {
      const metadata = { namespace, name: `load-${i}` }
      if (action === 'delete') await client.delete(configMaps, metadata)
      else await client.create(configMaps, { metadata, data: { settings: KIBIBYTE } } as KubeObject)
    }),
  )
}

/** A pod that mounts the ConfigMap of its name. */
export function podWithConfigMap(name: string, namespace: string): object {
  const pod = podOf(name, namespace) as { spec: object }
  return { ...pod, spec: { ...pod.spec, volumes: [{ name: 'settings', configMap: { name } }] } }
}
