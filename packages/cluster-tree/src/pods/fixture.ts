import type { Pod, PodSpec, PodStatus } from '@kosmos/kube'
import fc from 'fast-check'
import type { StatusPatch } from './status/status-patch.ts'
import { translate } from './translate/translate.ts'
import type { LeafContext } from './translate/translation.ts'

/** Pods for tests, and what an API server makes of a status patch. */
export const ctx: LeafContext = { rootClusterId: 'root-1', clusterName: 'east', home: { kind: 'cluster' } }
export const nodeName = 'kosmos-east'

export interface PodParts {
  readonly metadata?: Partial<Pod['metadata']>
  readonly spec?: Partial<PodSpec>
  readonly status?: PodStatus
}

/** A pod of one container, bound to the virtual node. */
export function rootPod({ metadata, spec, status }: PodParts = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'shop', uid: 'root-uid', resourceVersion: '10', generation: 1, ...metadata },
    spec: { nodeName, containers: [{ name: 'main', image: 'nginx' }], ...spec },
    status: status ?? {
      phase: 'Pending',
      qosClass: 'BestEffort',
      conditions: [{ type: 'PodScheduled', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }],
    },
  }
}

/** The copy of a root pod, as the leaf's API server returns it. */
export function leafPod(root: Pod, { metadata, spec, status }: PodParts = {}): Pod {
  const { pod } = translate(root, ctx)
  return {
    ...pod,
    metadata: { ...pod.metadata, uid: 'leaf-uid', resourceVersion: '20', generation: 1, ...metadata },
    spec: { ...pod.spec, ...spec },
    status: status ?? { phase: 'Pending', qosClass: 'BestEffort' },
  }
}

type Json = Readonly<Record<string, unknown>>

/** The pod after a strategic merge patch of its status (patchStrategy tags of upstream k8s.io/api/core/v1 PodStatus). */
export function patched(pod: Pod, { metadata, status }: StatusPatch): Pod {
  if (metadata.uid !== pod.metadata.uid) throw new Error('422: metadata.uid is immutable')
  const { conditions, ...fields } = status
  const { conditions: present, ...others } = pod.status ?? {}
  const merged = mergeMap(others as Json, fields)
  let list: readonly Json[] = (present ?? []) as unknown as readonly Json[]
  for (const patch of (conditions ?? []) as unknown as readonly Json[]) {
    const old = list.find(({ type }) => type === patch.type)
    const rest = list.filter(({ type }) => type !== patch.type)
    list = patch.$patch === 'delete' ? rest : [...rest, mergeMap(old ?? {}, patch)]
  }
  return { ...pod, status: { ...merged, ...(list.length > 0 && { conditions: list }) } as PodStatus }
}

function mergeMap(present: Json, patch: Json): Json {
  const merged: Record<string, unknown> = { ...present }
  for (const [key, value] of Object.entries(patch)) {
    const old = merged[key]
    if (value === null || (isMap(value) && value.$patch && old === undefined)) delete merged[key]
    else if (Array.isArray(value)) merged[key] = mergeList(old as readonly unknown[] | undefined, key, value)
    else if (isMap(value)) merged[key] = value.$patch ? withoutDirective(value) : mergeMap((old ?? {}) as Json, value)
    else merged[key] = value
  }
  return merged
}

function mergeList(present: readonly unknown[] | undefined, key: string, patch: readonly unknown[]): unknown {
  if (isMap(patch[0]) && patch[0].$patch === 'replace') return patch.slice(1)
  if (key !== 'podIPs' && key !== 'hostIPs') return patch
  const ips = new Map([...(present ?? []), ...patch].map((item) => [(item as { ip: string }).ip, item]))
  return [...ips.values()]
}

const isMap = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

function withoutDirective({ $patch, ...rest }: Json): Json {
  return rest
}

const time = fc.constantFrom('2026-01-01T00:00:01Z', '2026-01-01T00:00:02Z', '2026-01-01T00:00:03Z')
const word = fc.constantFrom('A', 'B')

const condition = (types: readonly string[]) =>
  fc.record(
    {
      type: fc.constantFrom(...types),
      status: fc.constantFrom('True', 'False', 'Unknown'),
      reason: word,
      message: word,
      lastTransitionTime: time,
    },
    { requiredKeys: ['type', 'status'] },
  )

const conditions = (types: readonly string[]) => fc.uniqueArray(condition(types), { selector: ({ type }) => type })

const kubeletConditions = ['Ready', 'ContainersReady', 'Initialized', 'PodReadyToStartContainers', 'DisruptionTarget']

const containerStatus = fc.record({
  name: fc.constantFrom('main', 'injected-by-the-leaf'),
  image: word,
  imageID: word,
  ready: fc.boolean(),
  restartCount: fc.nat(3),
  state: fc.oneof(
    fc.record({ running: fc.record({ startedAt: time }) }),
    fc.record({ waiting: fc.record({ reason: word }) }),
    fc.record({ terminated: fc.record({ exitCode: fc.nat(255), finishedAt: time }) }),
  ),
})

const amounts = fc.record(
  { cpu: fc.constantFrom('1', '2'), memory: fc.constantFrom('1Gi', '2Gi') },
  { requiredKeys: [] },
)

/** The first address alone and the list with it, as the API server keeps the two equal. */
const ips = (field: 'podIP' | 'hostIP') =>
  fc
    .constantFrom([], ['10.0.0.1'], ['10.0.0.2'], ['10.0.0.1', 'fd00::1'], ['fd00::1', '10.0.0.2'])
    .map(([first, ...more]) => (first ? { [field]: first, [`${field}s`]: [first, ...more].map((ip) => ({ ip })) } : {}))

/** As `JSON.parse` gives it: fast-check's records have no prototype, which deep equality would tell apart. */
export const parsed = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T

const status = (types: readonly string[]): fc.Arbitrary<PodStatus> =>
  fc
    .record(
      {
        phase: fc.constantFrom('Pending', 'Running', 'Succeeded', 'Failed'),
        reason: word,
        message: word,
        startTime: time,
        observedGeneration: fc.nat(3),
        conditions: conditions(types),
        containerStatuses: fc.uniqueArray(containerStatus, { selector: ({ name }) => name, minLength: 1 }),
        resources: amounts.map((requests) => ({ requests })),
        allocatedResources: amounts,
      },
      { requiredKeys: ['phase'] },
    )
    .chain((status) => fc.tuple(fc.constant(status), ips('podIP'), ips('hostIP')))
    .map(([status, podIps, hostIps]) => parsed({ ...status, ...podIps, ...hostIps }))

/** Any status a leaf's kubelet and scheduler could report. */
export const leafStatus = status([...kubeletConditions, 'PodScheduled', 'example.com/of-the-leaf'])
/** Any status that a root pod could have, whoever wrote it. */
export const rootStatus = status([...kubeletConditions, 'PodScheduled', 'kosmos.io/LeafScheduled', 'example.com/gate'])

/** Metadata of a pod that is being deleted, or not. */
export const deletion: fc.Arbitrary<Partial<Pod['metadata']>> = fc.oneof(
  fc.constant({}),
  fc.record({ deletionTimestamp: time, deletionGracePeriodSeconds: fc.constantFrom(0, 5, 30) }).map(parsed),
)
