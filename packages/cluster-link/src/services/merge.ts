import { isDeepStrictEqual } from 'node:util'
import type { Service } from '@kosmos/kube'
import type { ImportPort, ServiceImportSpec } from './resources.ts'

/** A Service that a cluster exports. */
export interface ExportedService {
  readonly cluster: string
  /** When its ServiceExport was created, RFC 3339. */
  readonly since: string
  readonly service: Service
}

export interface Conflict {
  readonly reason:
    | 'TypeConflict'
    | 'PortConflict'
    | 'SessionAffinityConflict'
    | 'SessionAffinityConfigConflict'
    | 'IPFamilyConflict'
  readonly message: string
}

export interface Merged {
  readonly spec: Omit<ServiceImportSpec, 'ips'>
  readonly conflicts: readonly Conflict[]
}

type Property = Exclude<keyof Merged['spec'], 'ports'>

const reasons: Readonly<Record<Property, Conflict['reason']>> = {
  type: 'TypeConflict',
  sessionAffinity: 'SessionAffinityConflict',
  sessionAffinityConfig: 'SessionAffinityConfigConflict',
  ipFamilies: 'IPFamilyConflict',
}

/**
 * What several clusters export under one name as one service, by the rules of KEP-1645: ports are put together, and whatever
 * differs is as the oldest export has it. Exports at least one.
 */
export function mergeExports(exported: readonly ExportedService[]): Merged {
  const byAge = [...exported].sort((a, b) => compare(a.since, b.since) || compare(a.cluster, b.cluster))
  const all = byAge.map(({ cluster, service }) => ({ cluster, spec: specOf(service) }))
  const [oldest] = all
  if (oldest === undefined) throw new TypeError('nothing is exported')
  const conflicts: Conflict[] = []
  for (const property of Object.keys(reasons) as Property[]) {
    const others = all.filter(({ spec }) => !isDeepStrictEqual(spec[property], oldest.spec[property]))
    if (others.length === 0) continue
    const message = `${property} is ${JSON.stringify(oldest.spec[property])}, as the oldest export has it, in cluster ${oldest.cluster}; ${namesOf(others)} ${others.length > 1 ? 'disagree' : 'disagrees'}`
    conflicts.push({ reason: reasons[property], message })
  }
  const { ports, problems } = mergePorts(all)
  if (problems.length > 0) conflicts.push({ reason: 'PortConflict', message: problems.join('; ') })
  return { spec: { ...oldest.spec, ports }, conflicts }
}

function specOf({ spec = {} }: Service): Merged['spec'] {
  const { clusterIP, ports = [], ipFamilies = [], sessionAffinity = 'None', sessionAffinityConfig } = spec
  const isHeadless = clusterIP === 'None'
  return {
    type: isHeadless ? 'Headless' : 'ClusterSetIP',
    ports: ports.map(({ name, protocol, appProtocol, port }) => ({
      ...(name && { name }),
      protocol: protocol ?? 'TCP',
      ...(appProtocol && { appProtocol }),
      port,
    })),
    // An order that does not depend on which family a cluster calls its first.
    ipFamilies: [...ipFamilies].sort(),
    // Nobody balances between the endpoints of a headless one.
    sessionAffinity: isHeadless ? 'None' : sessionAffinity,
    ...(sessionAffinityConfig?.clientIP &&
      !isHeadless && { sessionAffinityConfig: { clientIP: { ...timeoutOf(sessionAffinityConfig.clientIP) } } }),
  }
}

const timeoutOf = ({ timeoutSeconds }: { readonly timeoutSeconds?: number | undefined }) =>
  timeoutSeconds === undefined ? {} : { timeoutSeconds }

interface FromCluster {
  readonly cluster: string
  readonly spec: Merged['spec']
}

/** Each name once, each protocol with a number once; the oldest first. */
function mergePorts(all: readonly FromCluster[]) {
  const ports: ImportPort[] = []
  const problems: string[] = []
  for (const { cluster, spec } of all) {
    for (const port of spec.ports) {
      const rival = ports.find((other) => isRival(other, port))
      if (rival === undefined) ports.push(port)
      else if (!isDeepStrictEqual(rival, port)) {
        problems.push(`port ${textOf(port)} of cluster ${cluster} gives way to ${textOf(rival)} of an older export`)
      }
    }
  }
  for (const port of ports) {
    const lacking = all.filter(({ spec }) => !spec.ports.some((other) => isRival(other, port)))
    if (lacking.length > 0)
      problems.push(`port ${textOf(port)} leads to some clusters only, not to ${namesOf(lacking)}`)
  }
  return { ports, problems }
}

const isRival = (a: ImportPort, b: ImportPort): boolean =>
  a.name === b.name || (a.protocol === b.protocol && a.port === b.port)

const textOf = ({ name, protocol, port }: ImportPort): string => `${name ? `${name} ` : ''}${port}/${protocol}`

/** More than this are counted, not listed. */
const LISTED = 3

function namesOf(clusters: readonly { readonly cluster: string }[]): string {
  const rest = clusters.length - LISTED
  return [...clusters.slice(0, LISTED).map(({ cluster }) => cluster), ...(rest > 0 ? [`${rest} more`] : [])].join(', ')
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
