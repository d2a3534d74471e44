import { clusterLabel, nodeLabel } from '@kosmos/api'
import { formatResources, type Namespace, type Node, type Pod, parseResources } from '@kosmos/kube'
import fc from 'fast-check'
import { distributionLike } from './distributions/distribution.fixture.ts'
import { podLike, policyLike } from './pods.fixture.ts'
import type { World } from './simulation.ts'

/** A quiet cluster, and pods of one workload that are to be created in it. */
export interface Situation {
  readonly world: World
  readonly created: readonly Pod[]
}

const zone = fc.constantFrom('a', 'b')
const sometimes = <T>(value: T) => fc.constantFrom<T | undefined>(undefined, undefined, undefined, value)
const leaf = fc.record({
  zone,
  machines: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 3 }),
  away: sometimes('cordoned' as const),
  priority: fc.constantFrom(0, 0, 5),
})
const own = fc.record({ zone, cpu: fc.integer({ min: 1, max: 6 }), away: sometimes('cordoned' as const) })
const topologyKey = fc.constantFrom(clusterLabel, clusterLabel, 'topology.kubernetes.io/zone')
const count = fc.integer({ min: 0, max: 6 })
const share = fc.oneof(
  fc.record({ replicas: count }),
  fc.record({ weight: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ weight: fc.integer({ min: 1, max: 5 }), max: count }),
  fc.record({
    weight: fc.integer({ min: 1, max: 5 }),
    min: fc.integer({ min: 0, max: 2 }),
    max: fc.integer({ min: 2, max: 6 }),
  }),
)
const policy = fc.record(
  {
    topologyKey,
    shares: fc.array(share, { minLength: 1, maxLength: 3 }),
    allocationType: fc.constantFrom('Required' as const, 'Preferred' as const),
    allocationMethod: fc.constantFrom('Balance' as const, 'Fill' as const),
    allocationScope: fc.constantFrom('Revision' as const, 'Workload' as const),
    whenUnavailable: fc.constantFrom('Wait' as const, 'Spill' as const),
    /** Of the workload, of all pods, or of others. */
    means: fc.constantFrom('web', 'web', 'all', 'db'),
  },
  { requiredKeys: ['topologyKey', 'shares', 'means'] },
)
const present = fc.record({
  app: fc.constantFrom('web', 'db'),
  revision: fc.constantFrom('1', '2'),
  cpu: fc.integer({ min: 1, max: 3 }),
  /** Which node it is on; undefined: it waits. */
  at: fc.option(fc.nat(4), { nil: undefined, freq: 4 }),
})

export const situations: fc.Arbitrary<Situation> = fc
  .record({
    leaves: fc.array(leaf, { minLength: 1, maxLength: 3 }),
    own: fc.array(own, { maxLength: 2 }),
    policies: fc.array(policy, { maxLength: 2 }),
    mindsRoom: fc.boolean(),
    kindOfNodes: fc.constantFrom(undefined, undefined, undefined, 'host', 'leaf'),
    present: fc.array(present, { maxLength: 5 }),
    replicas: fc.integer({ min: 1, max: 12 }),
    cpu: fc.integer({ min: 1, max: 4 }),
    priority: fc.constantFrom(0, 0, 10),
    asks: sometimes({ 'topology.kubernetes.io/zone': 'a' }),
  })
  .map((parts): Situation => {
    const nodes = [
      ...parts.leaves.map((one, i) => leafNode(`leaf${i + 1}`, one)),
      ...parts.own.map((one, i) => ownNode(`worker${i + 1}`, one)),
    ]
    const policies = parts.policies.map(({ means, shares, topologyKey, ...rest }, i) => {
      const values = topologyKey === clusterLabel ? ['leaf1', 'leaf2', 'nowhere'] : ['a', 'b', 'nowhere']
      const allocationPolicy = shares.map((one, i) => ({ name: values[i] ?? '', ...one }))
      const who =
        means === 'web'
          ? { workload: { kind: 'Deployment' as const, name: 'web' } }
          : { labelSelector: { matchLabels: means === 'all' ? {} : { app: means } } }
      return policyLike({ ...rest, ...who, topologyKey, allocationPolicy }, `policy-${i}`)
    })
    const spec = { priority: parts.priority, ...(parts.asks && { nodeSelector: parts.asks }) }
    return {
      world: {
        policies,
        distributions: parts.kindOfNodes
          ? [distributionLike([{ policyName: parts.kindOfNodes, namePrefix: 'web-' }])]
          : [],
        namespaces: parts.mindsRoom ? [shop] : [],
        nodes,
        pods: parts.present.map((one, i) => presentPod(`there-${i}`, one, nodes)),
      },
      created: Array.from({ length: parts.replicas }, (_, i) =>
        podOf(`web-1-${i}`, { app: 'web', revision: '1', cpu: parts.cpu }, spec),
      ),
    }
  })

const shop: Namespace = {
  metadata: { name: 'shop', uid: 'shop', resourceVersion: '1', labels: { 'kosmos.io/placement': 'best-fit' } },
}

const ready = { conditions: [{ type: 'Ready', status: 'True' }] }

function leafNode(
  name: string,
  {
    zone,
    machines,
    away,
    priority,
  }: { zone: string; machines: readonly number[]; away: string | undefined; priority: number },
): Node {
  const shapes = machines.map((cpu) => ({ nodes: 1, free: { cpu: `${cpu}`, pods: '99' } }))
  return {
    metadata: {
      name: `kosmos-${name}`,
      uid: name,
      resourceVersion: '1',
      labels: { [nodeLabel]: 'true', [clusterLabel]: name, 'topology.kubernetes.io/zone': zone },
      annotations: {
        'kosmos.io/free-shapes': JSON.stringify(shapes),
        'kosmos.io/empty-shapes': JSON.stringify(shapes),
        'kosmos.io/placement-priority': `${priority}`,
      },
    },
    spec: away ? { unschedulable: true } : {},
    status: ready,
  } as Node
}

function ownNode(name: string, { zone, cpu, away }: { zone: string; cpu: number; away: string | undefined }): Node {
  const allocatable = formatResources(parseResources({ cpu: `${cpu}`, pods: '99' }))
  return {
    metadata: { name, uid: name, resourceVersion: '1', labels: { 'topology.kubernetes.io/zone': zone } },
    spec: away ? { unschedulable: true } : {},
    status: { ...ready, allocatable },
  } as Node
}

interface Parts {
  readonly app: string
  readonly revision: string
  readonly cpu: number
}

function podOf(name: string, { app, revision, cpu }: Parts, spec: Partial<Pod['spec']> = {}): Pod {
  const owner = `${app}-${revision}`
  return podLike({
    name,
    labels: { app, 'pod-template-hash': revision },
    owner: { kind: 'ReplicaSet', name: owner },
    spec: { containers: [{ name: 'main', resources: { requests: { cpu: `${cpu}` } } }], ...spec },
  })
}

/** Bound some time ago, or at the gate. */
function presentPod(
  name: string,
  { at, ...parts }: Parts & { readonly at: number | undefined },
  nodes: readonly Node[],
): Pod {
  const node = at === undefined ? undefined : nodes[at % nodes.length]
  const pod = podOf(
    name,
    parts,
    node ? { nodeName: node.metadata.name } : { schedulingGates: [{ name: 'kosmos.io/placement' }] },
  )
  return {
    ...pod,
    metadata: { ...pod.metadata, creationTimestamp: '2026-01-01T00:00:00Z' },
    status: { phase: node ? 'Running' : 'Pending', ...(node && { startTime: '2026-01-01T00:00:00Z' }) },
  } as Pod
}
