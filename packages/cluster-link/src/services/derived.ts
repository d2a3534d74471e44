import { hash } from 'node:crypto'
import { importedByLabel } from '@kosmos/api'
import type { KubeObject, Service } from '@kosmos/kube'
import type { Merged } from './merge.ts'
import { type ImportPort, importNameLabel, type ServiceImport } from './resources.ts'

const NAME_MAX_LENGTH = 63
const HASH_LENGTH = 8

/** What a port without a name is called beside others, which all have to have one. */
const UNNAMED = 'unnamed'

/** The Service whose address stands for a ServiceImport in a cluster: `clusterset-<name>`, cut where that is too long. */
export function derivedName(name: string): string {
  const whole = `clusterset-${name}`
  if (whole.length <= NAME_MAX_LENGTH) return whole
  return `${whole.slice(0, NAME_MAX_LENGTH - HASH_LENGTH - 1)}-${hash('sha1', name).slice(0, HASH_LENGTH)}`
}

/** Who owns what stands for an import, so that it goes with it. */
export const ownerOf = ({ metadata: { name, uid } }: ServiceImport) => [
  { apiVersion: 'multicluster.x-k8s.io/v1alpha1', kind: 'ServiceImport', name, uid },
]

/** The name that a port of an exported Service has among those of the derived one. */
export function derivedPortName(ports: readonly ImportPort[], name: string | undefined): string {
  return name || (ports.length > 1 ? UNNAMED : '')
}

/** A Service without a selector: kube-proxy sends what comes to its address to the imported slices. */
export function derivedService(owner: ServiceImport, rootId: string, spec: Merged['spec']) {
  const { name, namespace = '' } = owner.metadata
  const { ports, sessionAffinity = 'None', sessionAffinityConfig, ipFamilies = [] } = spec
  return {
    metadata: {
      name: derivedName(name),
      namespace,
      labels: { [importedByLabel]: rootId, [importNameLabel]: name },
      ownerReferences: ownerOf(owner),
    },
    spec: {
      type: 'ClusterIP',
      ports: ports.map((port) => {
        const portName = derivedPortName(ports, port.name)
        return { ...port, ...(portName !== '' && { name: portName }) }
      }),
      sessionAffinity,
      ...(sessionAffinityConfig && { sessionAffinityConfig }),
      ...(ipFamilies.length > 0 && {
        ipFamilies: [...ipFamilies],
        ipFamilyPolicy: ipFamilies.length > 1 ? 'PreferDualStack' : 'SingleStack',
      }),
    },
  } satisfies KubeObject & { spec: object }
}

/** Whether a Service that stands for an import is as it should be, as far as it can be changed. */
export function isAsDerived(stored: Service, wanted: ReturnType<typeof derivedService>): boolean {
  const portsOf = (ports: readonly ImportPort[] = []) =>
    JSON.stringify(ports.map(({ name, protocol, appProtocol, port }) => [name, protocol, appProtocol, port]))
  const { spec = {}, metadata } = stored
  const { ipFamilies = [] } = wanted.spec
  return (
    (ipFamilies.length === 0 || `${[...(spec.ipFamilies ?? [])].sort()}` === `${[...ipFamilies].sort()}`) &&
    portsOf(spec.ports) === portsOf(wanted.spec.ports) &&
    spec.sessionAffinity === wanted.spec.sessionAffinity &&
    (wanted.spec.sessionAffinity === 'None' ||
      wanted.spec.sessionAffinityConfig === undefined ||
      spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ===
        wanted.spec.sessionAffinityConfig.clientIP?.timeoutSeconds) &&
    metadata.ownerReferences?.[0]?.uid === wanted.metadata.ownerReferences[0]?.uid
  )
}
