import { type Node, timestamp } from '@kosmos/kube'

type Condition = NonNullable<NonNullable<Node['status']>['conditions']>[number]

/** What a node may be short of. */
export type Pressure = 'MemoryPressure' | 'DiskPressure' | 'PIDPressure'

/** What a virtual node's Ready condition is made of. */
export type LeafHealth =
  | { readonly kind: 'ready' }
  /** The leaf answers, and cannot run pods now. */
  | { readonly kind: 'notReady'; readonly reason: 'LeafNotReady' | 'NoReadyLeafNode'; readonly message: string }
  /** Nothing is known of the leaf's pods and nodes. */
  | { readonly kind: 'unknown'; readonly reason: 'LeafUnreachable' | 'CredentialsRejected'; readonly message: string }

/**
 * The conditions of a virtual node, with the names and reasons of a kubelet's. The Lease is the heartbeat, so the times of
 * conditions that say the same as before are kept and an unchanged node is equal to itself. Conditions that others set stay.
 *
 * NetworkUnavailable=False is among them because a cloud's route controller may claim the contrary of any node it does not know.
 */
export function nodeConditions(
  health: LeafHealth,
  pressures: ReadonlySet<Pressure>,
  present: readonly Condition[],
  now: number,
): Condition[] {
  const at = timestamp(now)
  const wanted = new Map(
    [ready(health), ...pressureConditions(pressures), network].map((condition) => [condition.type, condition]),
  )
  const conditions = present.map((before) => {
    const condition = wanted.get(before.type)
    wanted.delete(before.type)
    return condition ? following(before, condition, at) : before
  })
  const added = [...wanted.values()].map((condition) => ({
    ...condition,
    lastHeartbeatTime: at,
    lastTransitionTime: at,
  }))
  return [...conditions, ...added]
}

function following(before: Condition, condition: Condition, at: string): Condition {
  const { status, reason, message } = condition
  if (before.status === status && before.reason === reason && before.message === message) return before
  const lastTransitionTime = before.status === status ? (before.lastTransitionTime ?? at) : at
  return { ...condition, lastHeartbeatTime: at, lastTransitionTime }
}

function ready(health: LeafHealth): Condition {
  const type = 'Ready'
  if (health.kind === 'ready') {
    return {
      type,
      status: 'True',
      reason: 'KubeletReady',
      message: 'the leaf cluster is reachable and has ready nodes',
    }
  }
  const { kind, reason, message } = health
  return { type, status: kind === 'unknown' ? 'Unknown' : 'False', reason, message }
}

/** Reasons as upstream pkg/kubelet/nodestatus/setters.go has them. */
const pressureReasons: Readonly<Record<Pressure, readonly [under: string, free: string]>> = {
  MemoryPressure: ['KubeletHasInsufficientMemory', 'KubeletHasSufficientMemory'],
  DiskPressure: ['KubeletHasDiskPressure', 'KubeletHasNoDiskPressure'],
  PIDPressure: ['KubeletHasInsufficientPID', 'KubeletHasSufficientPID'],
}

function pressureConditions(pressures: ReadonlySet<Pressure>): Condition[] {
  return (Object.keys(pressureReasons) as Pressure[]).map((type) => {
    const [under, free] = pressureReasons[type]
    return pressures.has(type)
      ? { type, status: 'True', reason: under, message: 'every ready node of the leaf says so' }
      : { type, status: 'False', reason: free, message: 'a node of the leaf is free of it' }
  })
}

const network: Condition = {
  type: 'NetworkUnavailable',
  status: 'False',
  reason: 'RouteCreated',
  message: 'the network of the leaf cluster is its own',
}
