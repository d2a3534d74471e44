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
import {
  type ControlPlane,
  type StartControlPlaneOptions,
  startControlPlane,
  withoutAdmissionPolicies,
} from '@kosmos/testbed'
import { loadAll } from 'js-yaml'

const deploy = new URL('../../../deploy/', import.meta.url)
const manifests = (path: string) => loadAll(readFileSync(new URL(path, deploy), 'utf8')) as KubeObject[]

export async function mustCreate(client: Client, kind: Parameters<Client['create']>[0], object: KubeObject) {
  const outcome = await client.create(kind, object)
  assert(outcome.ok, JSON.stringify(outcome))
  return outcome.object
}

/** All kinds of deploy/. */
export async function createKinds(client: Client): Promise<void> {
  for (const file of readdirSync(new URL('crds/', deploy))) {
    for (const definition of manifests(`crds/${file}`)) await mustCreate(client, customResourceDefinitions, definition)
  }
}

/** An API server with the kinds and the admission of deploy/, and the namespace `shop`. */
export interface AdmittingRoot {
  readonly client: Client
  readonly controlPlane: ControlPlane
  /** The pod as the API server would store it. */
  admitted(pod: Pod): Promise<Pod>
  stop(): Promise<void>
}

/** `withoutPolicies`: flags of the API server of a root without MutatingAdmissionPolicies, which has the webhook instead. */
export async function startAdmittingRoot(
  name: string,
  withoutPolicies?: StartControlPlaneOptions['apiServerFlags'],
): Promise<AdmittingRoot> {
  const servesPolicies = withoutPolicies === undefined
  const controlPlane = await startControlPlane({
    name,
    ...(!servesPolicies && { apiServerFlags: { ...withoutAdmissionPolicies, ...withoutPolicies } }),
  })
  const transport = await createTransport(loadKubeConfig({ file: controlPlane.kubeconfig }))
  const client = new Client(new Connection('root', transport), 'kosmos-test')
  const created = (kind: Parameters<Client['create']>[0], object: KubeObject) => mustCreate(client, kind, object)
  await createKinds(client)
  await created(namespaces, { metadata: { name: 'shop' } })
  await created(serviceAccounts, { metadata: { namespace: 'shop', name: 'default' } })
  const isServed = ({ kind }: KubeObject) =>
    kind !== 'Service' && (servesPolicies || !/^MutatingAdmission/.test(`${kind}`))
  for (const manifest of manifests(servesPolicies ? 'admission.yaml' : 'webhook.yaml').filter(isServed)) {
    const plural = `${manifest.kind?.toLowerCase()}s`.replace(/ys$/, 'ies')
    await created(resource(manifest.apiVersion ?? '', manifest.kind ?? '', plural, 'Cluster'), manifest)
  }
  return {
    client,
    controlPlane,
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
