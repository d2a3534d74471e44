import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import {
  Client,
  Connection,
  createTransport,
  customResourceDefinitions,
  type KubeObject,
  loadKubeConfig,
  namespaces,
  type Pod,
  pods,
  resource,
  serviceAccounts,
} from '@kosmos/kube'
import { startControlPlane } from '@kosmos/testbed'
import { loadAll } from 'js-yaml'

const deploy = new URL('../../../deploy/', import.meta.url)
const manifests = (path: string) => loadAll(readFileSync(new URL(path, deploy), 'utf8')) as KubeObject[]

/** An API server with the kinds and the admission of deploy/, and the namespace `shop`. */
export interface AdmittingRoot {
  readonly client: Client
  /** The pod as the API server would store it. */
  admitted(pod: Pod): Promise<Pod>
  stop(): Promise<void>
}

export async function startAdmittingRoot(name: string): Promise<AdmittingRoot> {
  const controlPlane = await startControlPlane({ name })
  const transport = await createTransport(loadKubeConfig({ file: controlPlane.kubeconfig }))
  const client = new Client(new Connection('root', transport), 'kosmos-test')
  const created = async (kind: Parameters<Client['create']>[0], object: KubeObject) => {
    const outcome = await client.create(kind, object)
    assert(outcome.ok, JSON.stringify(outcome))
  }
  for (const file of readdirSync(new URL('crds/', deploy))) {
    for (const definition of manifests(`crds/${file}`)) await created(customResourceDefinitions, definition)
  }
  await created(namespaces, { metadata: { name: 'shop' } })
  await created(serviceAccounts, { metadata: { namespace: 'shop', name: 'default' } })
  for (const manifest of manifests('admission.yaml')) {
    const plural = `${manifest.kind?.toLowerCase()}s`.replace(/ys$/, 'ies')
    await created(resource(manifest.apiVersion ?? '', manifest.kind ?? '', plural, 'Cluster'), manifest)
  }
  return {
    client,
    admitted: async ({ apiVersion, kind, metadata, spec }) => {
      const { resourceVersion: _, uid: __, ...rest } = metadata
      const containers = [{ name: 'main', image: 'busybox' }]
      const object = { apiVersion, kind, metadata: rest, spec: { ...spec, containers } } as KubeObject
      const outcome = await client.create(pods, object, { dryRun: true })
      assert(outcome.ok, JSON.stringify(outcome))
      return outcome.object
    },
    stop: async () => {
      await client.connection.close()
      await controlPlane.stop()
    },
  }
}
