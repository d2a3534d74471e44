import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { PodSpec } from '@kosmos/kube'
import { type LiveCluster, startCluster } from '../../live.fixture.ts'
import { claimsOf } from '../../volumes/claim.ts'
import { references } from './references.ts'

interface Schema {
  readonly properties?: Readonly<Record<string, object>>
}

/** Fields whose object comes along. */
const followed = [
  'containers.env.valueFrom.configMapKeyRef.name',
  'containers.env.valueFrom.secretKeyRef.name',
  'containers.envFrom.configMapRef.name',
  'containers.envFrom.secretRef.name',
  'imagePullSecrets.name',
  'volumes.azureFile.secretName',
  'volumes.cephfs.secretRef.name',
  'volumes.cinder.secretRef.name',
  'volumes.configMap.name',
  'volumes.csi.nodePublishSecretRef.name',
  'volumes.flexVolume.secretRef.name',
  'volumes.iscsi.secretRef.name',
  'volumes.persistentVolumeClaim.claimName',
  'volumes.projected.sources.configMap.name',
  'volumes.projected.sources.secret.name',
  'volumes.rbd.secretRef.name',
  'volumes.scaleIO.secretRef.name',
  'volumes.secret.secretName',
  'volumes.storageos.secretRef.name',
]

/** Fields that name something else, or what does not come along; and why. */
const others: Readonly<Record<string, readonly string[]>> = {
  'names within the pod': [
    'containers.env.name',
    'containers.env.valueFrom.fileKeyRef.volumeName',
    'containers.env.valueFrom.resourceFieldRef.containerName',
    'containers.name',
    'containers.ports.name',
    'containers.resources.claims.name',
    'containers.targetContainerName',
    'containers.volumeDevices.name',
    'containers.volumeMounts.name',
    'hostname',
    'resources.claims.name',
    'volumes.downwardAPI.items.resourceFieldRef.containerName',
    'volumes.name',
    'volumes.projected.sources.downwardAPI.items.resourceFieldRef.containerName',
  ],
  'names that are no objects': [
    ...['lifecycle.postStart', 'lifecycle.preStop', 'livenessProbe', 'readinessProbe', 'startupProbe'].map(
      (probe) => `containers.${probe}.httpGet.httpHeaders.name`,
    ),
    'automountServiceAccountToken',
    'containers.resizePolicy.resourceName',
    'dnsConfig.options.name',
    'evictionResponders.name',
    'os.name',
    'schedulingGates.name',
    'securityContext.sysctls.name',
    ...['containers.securityContext', 'securityContext'].flatMap((context) => [
      `${context}.windowsOptions.gmsaCredentialSpecName`,
      `${context}.windowsOptions.runAsUserName`,
    ]),
  ],
  'things of a storage system': [
    'volumes.azureDisk.diskName',
    'volumes.azureFile.shareName',
    'volumes.cephfs.secretFile',
    'volumes.flocker.datasetName',
    'volumes.gcePersistentDisk.pdName',
    'volumes.iscsi.initiatorName',
    'volumes.scaleIO.volumeName',
    'volumes.storageos.volumeName',
    'volumes.vsphereVolume.storagePolicyName',
  ],
  'the business of the root’s scheduler and service accounts': [
    'nodeName',
    'schedulerName',
    'schedulingGroup.podGroupName',
    'serviceAccount',
    'serviceAccountName',
  ],
  'the claim that the root makes for an ephemeral volume, which comes along by its own name': [
    'metadata.generateName',
    'metadata.name',
    'metadata.ownerReferences.name',
    'spec.dataSource.name',
    'spec.dataSourceRef.name',
    'spec.storageClassName',
    'spec.volumeAttributesClassName',
    'spec.volumeName',
  ].map((field) => `volumes.ephemeral.volumeClaimTemplate.${field}`),
  'left to the leaf: its priority classes (by the names that the Cluster has for them) and runtime classes': [
    'priorityClassName',
    'runtimeClassName',
  ],
  'the root’s bundles of trust, whose content comes along in a ConfigMap of the pod': [
    'volumes.projected.sources.clusterTrustBundle.name',
    'volumes.projected.sources.clusterTrustBundle.signerName',
  ],
  'whom the root is asked for a certificate of the pod': ['volumes.projected.sources.podCertificate.signerName'],
  'refused: devices by claim (DRA)': [
    'resourceClaims.name',
    'resourceClaims.resourceClaimName',
    'resourceClaims.resourceClaimTemplateName',
  ],
}

const SUSPICIOUS = /name$|ref$|secret|configmap|claim|account|class/i

/** Paths of all fields of a schema that might name something; the three kinds of containers are one. */
function namingFields(
  schemas: Readonly<Record<string, Schema>>,
  name: string,
  path: string,
  above: readonly string[],
): string[] {
  if (above.includes(name)) return []
  return Object.entries(schemas[name]?.properties ?? {}).flatMap(([property, definition]) => {
    const field = path ? `${path}.${property}` : property.replace(/^(init|ephemeral)Containers$/, 'containers')
    const inner = [...JSON.stringify(definition).matchAll(/#\/components\/schemas\/([^"]+)/g)]
    if (inner.length === 0) return SUSPICIOUS.test(property) ? [field] : []
    return inner.flatMap(([, schema = '']) => namingFields(schemas, schema, field, [...above, name]))
  })
}

const LISTS = new Set(['containers', 'env', 'envFrom', 'imagePullSecrets', 'sources', 'volumes'])

/** A spec with this name in this field alone. */
function specWith(field: string, name: string): PodSpec {
  const value = field
    .split('.')
    .reverse()
    .reduce<unknown>((inner, property) => ({ [property]: LISTS.has(property) ? [inner] : inner }), name)
  return { containers: [], ...(value as object) }
}

describe('every field of a pod that can name another object', () => {
  let cluster: LiveCluster
  let fields: string[]

  before(async () => {
    cluster = await startCluster('schema')
    const document = (await cluster.client.raw('/openapi/v3/api/v1')) as {
      components: { schemas: Record<string, Schema> }
    }
    fields = [...new Set(namingFields(document.components.schemas, 'io.k8s.api.core.v1.PodSpec', '', []))].sort()
  })
  after(() => cluster?.end())

  it('is known at the pinned version of Kubernetes', () => {
    assert.deepEqual(fields, [...followed, ...Object.values(others).flat()].sort())
  })

  it('brings its object along, if that is one that does', () => {
    for (const field of followed) {
      const spec = specWith(field, 'wanted')
      const found = [...references(spec).map(({ name }) => name), ...claimsOf({ metadata: { name: 'pod' }, spec })]
      assert.deepEqual(found, ['wanted'], field)
    }
  })
})
