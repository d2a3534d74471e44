/** How long a forced unjoin waits at most for those who would do it properly: the controllers, and the agents. */
const atMostMs = 20_000

/** The least that the leaf has, however late it is. */
const leafAtLeastMs = 1_000

/** What is kept of the time of a forced unjoin for the end, when the root is asked once more: a tenth, and no more than is needed. Pure. */
export function toEndMs(totalMs: number): number {
  return Math.min(10_000, Math.round(totalMs / 10))
}

/** How long a forced unjoin waits until the leaf answers, of all the time that it has: a quarter. Pure. */
export function toReachLeafMs(totalMs: number): number {
  return Math.round(totalMs / 4)
}

/**
 * Until when a forced unjoin waits for the controllers: for half of what is left, the other half is for what they leave in the leaf. Without
 * its leaf no controller can finish, so there is nothing to wait for. Pure.
 */
export function controllersUntil(now: number, deadline: number, isLeafGone: boolean): number {
  if (isLeafGone) return now
  return agentsUntil(now, deadline)
}

/** Until when a forced unjoin waits for the agents of ClusterLink: for half of what is left, the other half is for what is in the leaf. Pure. */
export function agentsUntil(now: number, deadline: number): number {
  return now + Math.min(atMostMs, Math.max(0, deadline - now) / 2)
}

/** How long a forced unjoin cleans up in the leaf: until the deadline. Pure. */
export function toLeaveLeafMs(now: number, deadline: number): number {
  return Math.max(leafAtLeastMs, deadline - now)
}
