import { serviceImports } from '@kosmos/cluster-link'
import { type Client, type ConfigMap, configMaps, type KubeObject, type Stored, servedResource } from '@kosmos/kube'
import { applyTo } from '../../clusters/own.ts'
import { clusterRoleBindings, clusterRoles, deployments, type Manifest } from '../../clusters/resources.ts'
import { deployedManifests } from '../../install/deploy-folder.ts'
import { Failure } from '../../terminal/failure.ts'
import { answersClusterSet, importsCustom, withClusterSet, withoutClusterSet } from './corefile.ts'
import { isNewEnough, leastVersion, versionOf } from './version.ts'

const namespace = 'kube-system'
const ROLE = 'kosmos-clusterset-dns'

/** Where CoreDNS has its configuration, and what it is. */
interface Configuration {
  readonly account: string
  /** Undefined: the image does not say. */
  readonly version: string | undefined
  /** What is to be changed: the configuration itself, or what users add to it. */
  readonly map: ConfigMap | undefined
  readonly mapName: 'coredns' | 'coredns-custom'
  readonly key: string
  readonly text: string
  /** Whether names are answered whatever we do. */
  readonly isDone: boolean
}

export interface DnsChange {
  readonly change: 'added' | 'removed' | 'none'
  /** The ConfigMap in kube-system and its key, and what is there now. */
  readonly configMap: string
  readonly key: string
  readonly text: string
}

/** Lets the CoreDNS of a cluster answer names of imported Services. Throws a Failure where that could break it. */
export async function addDns(client: Client, { force = false, dryRun = false } = {}): Promise<DnsChange> {
  const found = await configurationOf(client)
  const { version, account, text } = found
  if (!(version === undefined ? force : isNewEnough(version))) {
    throw new Failure(
      `CoreDNS is ${version === undefined ? 'of an unknown version' : `v${version}`}, and before v${leastVersion} it stops at the option "multicluster"`,
      { next: version === undefined ? 'if you know that it is new enough, say --force' : 'upgrade it first' },
    )
  }
  if ((await servedResource(client, [serviceImports])) === undefined) {
    throw new Failure('the cluster does not know the kind ServiceImport', {
      next: 'kosmosctl join NAME --link brings it',
    })
  }
  if (!dryRun) for (const manifest of await manifestsFor(account)) await applyTo(client, manifest)
  return await store(client, found, found.isDone ? text : withClusterSet(text), 'added', dryRun)
}

/** Takes away what {@link addDns} brought, and nothing else. */
export async function removeDns(client: Client, { dryRun = false } = {}): Promise<DnsChange> {
  const found = await configurationOf(client)
  const result = await store(client, found, withoutClusterSet(found.text), 'removed', dryRun)
  if (dryRun) return result
  for (const resource of [clusterRoleBindings, clusterRoles]) await client.delete(resource, { name: ROLE })
  return result
}

async function configurationOf(client: Client): Promise<Configuration> {
  const [main, custom, deployment] = await Promise.all([
    client.get(configMaps, { namespace, name: 'coredns' }),
    client.get(configMaps, { namespace, name: 'coredns-custom' }),
    client.get(deployments, { namespace, name: 'coredns' }),
  ])
  const corefile = main?.data?.Corefile
  if (main === undefined || corefile === undefined || deployment === undefined) {
    throw new Failure(
      `${client.name}: there is no Deployment and ConfigMap coredns in ${namespace}, as kubeadm and k3s make them`,
      {
        next: 'add to the configuration of its DNS what docs/how-to/services-across-clusters.md says',
      },
    )
  }
  const { containers, serviceAccountName = 'default' } = deployment.spec.template.spec as {
    containers: readonly { image: string }[]
    serviceAccountName?: string
  }
  const common = {
    account: serviceAccountName,
    version: versionOf(containers[0]?.image ?? ''),
    isDone: answersClusterSet(withoutClusterSet(corefile)),
  }
  if (!importsCustom(corefile)) return { ...common, map: main, mapName: 'coredns', key: 'Corefile', text: corefile }
  const key = 'kosmos.server'
  return { ...common, map: custom, mapName: 'coredns-custom', key, text: custom?.data?.[key] ?? '' }
}

async function manifestsFor(account: string): Promise<Manifest[]> {
  const text = JSON.stringify(await deployedManifests('rbac/coredns.yaml'))
  return JSON.parse(text.replaceAll('<account>', account)) as Manifest[]
}

async function store(
  client: Client,
  { map, mapName, key, text: before }: Configuration,
  text: string,
  change: DnsChange['change'],
  dryRun: boolean,
): Promise<DnsChange> {
  const result = { configMap: mapName, key, text }
  if (text === before) return { change: 'none', ...result }
  if (dryRun) return { change, ...result }
  const data = { [key]: text === '' ? null : text }
  const { uid, resourceVersion } = map?.metadata ?? {}
  const written = map
    ? await client.patch(
        configMaps,
        { namespace, name: mapName },
        { metadata: { uid, resourceVersion }, data },
        { type: 'merge' },
      )
    : await client.create<Stored<KubeObject>>(configMaps, {
        metadata: { namespace, name: mapName },
        data,
      } as KubeObject)
  if (written.ok) return { change, ...result }
  throw new Failure(`${client.name}: ConfigMap ${namespace}/${mapName} was not changed: ${written.status.message}`, {
    next:
      written.reason === 'Conflict'
        ? 'somebody else changed it meanwhile: run the command again'
        : 'use credentials that may change it',
  })
}
