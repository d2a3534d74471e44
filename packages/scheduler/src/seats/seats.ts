import type { Allocation, WorkloadPolicySpec } from '@kosmos/api'

/** What one value of a topology key may get. */
export interface Share {
  readonly name: string
  readonly weight: number
  /** So many seats come before the weights count. */
  readonly min: number
  /** May be infinite. */
  readonly max: number
}

export type Method = WorkloadPolicySpec['allocationMethod']

/** The allocations of a policy in one form: an exact count is a minimum and a maximum. */
export function sharesOf(allocations: readonly Allocation[]): Share[] {
  return allocations.map(({ name, replicas, weight, min, max }) =>
    replicas === undefined
      ? { name, weight: weight ?? 1, min: min ?? 0, max: max ?? Number.POSITIVE_INFINITY }
      : { name, weight: Math.max(replicas, 1), min: replicas, max: replicas },
  )
}

/** The `number`th seat (from 1) of a share, by its index. */
export interface Seat {
  readonly share: number
  readonly number: number
}

/**
 * All seats stand in one order, so that the first n of them are the allotment of n pods, whatever n is: adding a pod takes
 * none from anybody. The minima come first. Balance orders by (2·number - 1) / weight, the highest averages method of
 * Webster and Sainte-Laguë, which is exact whenever the shares can be met exactly; Fill by the order of the list.
 */
export function compareSeats(shares: readonly Share[], method: Method, a: Seat, b: Seat): number {
  const [shareA, shareB] = [shareAt(shares, a.share), shareAt(shares, b.share)]
  const stage = Number(a.number > shareA.min) - Number(b.number > shareB.min)
  if (stage !== 0) return stage
  if (method === 'Balance') {
    // Products of integers instead of quotients: equal is equal.
    const order = (2 * a.number - 1) * shareB.weight - (2 * b.number - 1) * shareA.weight
    if (order !== 0) return order
  }
  return a.share - b.share || a.number - b.number
}

/**
 * The share whose next seat comes first; undefined when each is full.
 * @param taken seats that are taken, by share
 * @param mayTake which shares are asked; all by default
 */
export function nextShare(
  shares: readonly Share[],
  method: Method,
  taken: readonly number[],
  mayTake: (share: number) => boolean = () => true,
): number | undefined {
  let first: Seat | undefined
  for (let share = 0; share < shares.length; share++) {
    const seat = { share, number: (taken[share] ?? 0) + 1 }
    if (seat.number > shareAt(shares, share).max || !mayTake(share)) continue
    if (first === undefined || compareSeats(shares, method, seat, first) < 0) first = seat
  }
  return first?.share
}

/** The share that has the last of the seats that are taken; undefined when none is. */
export function lastShare(shares: readonly Share[], method: Method, taken: readonly number[]): number | undefined {
  let last: Seat | undefined
  for (let share = 0; share < shares.length; share++) {
    const seat = { share, number: taken[share] ?? 0 }
    if (seat.number > 0 && (last === undefined || compareSeats(shares, method, seat, last) > 0)) last = seat
  }
  return last?.share
}

/** How many of `pods` pods each share gets; the sum is less than `pods` when all of them are full. */
export function allot(shares: readonly Share[], method: Method, pods: number): number[] {
  const taken = shares.map(() => 0)
  for (let pod = 0; pod < pods; pod++) {
    const share = nextShare(shares, method, taken)
    if (share === undefined) break
    taken[share] = (taken[share] ?? 0) + 1
  }
  return taken
}

/** How many seats come before this one in the order of all seats. */
export function seatsBefore(shares: readonly Share[], method: Method, seat: Seat): number {
  return shares.reduce((sum, share, index) => sum + countBefore(shares, method, seat, share, index), 0)
}

/** Seats of one share that come before a seat: they are the first ones of it, so a search by halves finds the last. */
function countBefore(shares: readonly Share[], method: Method, seat: Seat, share: Share, index: number): number {
  let [before, limit] = [0, Math.min(share.max, MAX_SEATS)]
  while (before < limit) {
    const number = Math.ceil((before + limit) / 2)
    if (compareSeats(shares, method, { share: index, number }, seat) < 0) before = number
    else limit = number - 1
  }
  return before
}

/** No share has more; it bounds the search, and keeps products of seats and weights exact. */
const MAX_SEATS = 1_000_000

function shareAt(shares: readonly Share[], index: number): Share {
  const share = shares[index]
  if (share === undefined) throw new RangeError(`there is no share ${index}`)
  return share
}
