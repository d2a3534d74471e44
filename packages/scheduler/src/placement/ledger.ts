import type { ObjectKey, Pod } from '@kosmos/kube'
import type { CompiledPolicy } from '../policies/compiled-policy.ts'
import { revisionOf } from '../policies/workload.ts'
import type { Seat } from '../seats/seats.ts'
import { Group } from './group.ts'
import { isCounted, isGated, type NodeLabels, type Standing, standingOf } from './standing.ts'

/** Whose count a pod is in. */
export interface Membership {
  readonly policy: CompiledPolicy
  readonly group: Group
}

/** A decision that is on its way to the API server; by name, since the policy may change meanwhile. */
interface PromisedSeat {
  readonly uid: string
  readonly value: string
  readonly number: number
  /** The gate stays shut until a node there has room. */
  readonly isHeld: boolean
}

/** What the count of one policy is made of, told when it has changed. */
export interface LedgerChange {
  readonly policy: ObjectKey
  /** Pods whose turn it may be now. */
  readonly next: readonly ObjectKey[]
}

export interface LedgerSources {
  /** The policy that places a pod; undefined: none does. */
  policyOf(pod: Pod): CompiledPolicy | undefined
  /** The values of the topology key that a pod asks for, or has its volumes at; undefined: any. */
  askedBy(pod: Pod, policy: CompiledPolicy): ReadonlySet<string> | undefined
  /** Labels of a node; undefined: it is not known. */
  labelsOf(nodeName: string): NodeLabels | undefined
}

/**
 * Who has which seat. All of it is read from the pods, so that a new leader comes to the same; only a decision that the API
 * server has not shown yet is known here alone, and counts from the moment it is made.
 */
export class Ledger {
  readonly #sources: LedgerSources
  readonly #groups = new Map<ObjectKey, Map<string, Group>>()
  readonly #members = new Map<ObjectKey, { readonly policy: CompiledPolicy; readonly group: string }>()
  readonly #promised = new Map<ObjectKey, PromisedSeat>()

  constructor(sources: LedgerSources) {
    this.#sources = sources
  }

  /** Undefined: no policy counts the pod. */
  membership(key: ObjectKey): Membership | undefined {
    const member = this.#members.get(key)
    const group = member && this.#groups.get(member.policy.key)?.get(member.group)
    return group && { policy: member.policy, group }
  }

  groupsOf(policy: ObjectKey): Iterable<Group> {
    return this.#groups.get(policy)?.values() ?? []
  }

  /** The seat that a pod was given, while the API server has not shown it. */
  promised(key: ObjectKey): Seat | undefined {
    const [promised, member] = [this.#promised.get(key), this.#members.get(key)]
    const share = member?.policy.shares.findIndex(({ name }) => name === promised?.value) ?? -1
    return promised && share >= 0 ? { share, number: promised.number } : undefined
  }

  /** Whether the pod was given a seat, which may have left its policy since. */
  isPromised(key: ObjectKey): boolean {
    return this.#promised.has(key)
  }

  /** Whether the pod has a seat and its gate stays shut. */
  isHeld(key: ObjectKey): boolean {
    return this.#promised.get(key)?.isHeld ?? false
  }

  /** Counts a decision before anybody can see it. */
  promise(pod: Pod, key: ObjectKey, seat: Seat, isHeld = false): LedgerChange[] {
    const value = this.#members.get(key)?.policy.shares[seat.share]?.name
    if (value === undefined) throw new RangeError(`${key}: its policy has no share ${seat.share}`)
    this.#promised.set(key, { uid: pod.metadata.uid, value, number: seat.number, isHeld })
    return this.set(pod, key)
  }

  /** The decision was refused, or is to be made anew. */
  withdraw(pod: Pod, key: ObjectKey): LedgerChange[] {
    this.#promised.delete(key)
    return this.set(pod, key)
  }

  /** The same while the next decision is made, with which what it frees is told. */
  lift(pod: Pod, key: ObjectKey): void {
    this.#promised.delete(key)
    this.#put(pod, key)
  }

  /** A pod appeared or changed. */
  set(pod: Pod, key: ObjectKey): LedgerChange[] {
    const left = this.#put(pod, key)
    const { policy, group } = this.membership(key) ?? {}
    return policy && group ? [...left, changeOf(policy, group)] : left
  }

  /** Returns what has changed in the count that the pod was in before. */
  #put(pod: Pod, key: ObjectKey): LedgerChange[] {
    if (!isGated(pod) || this.#promised.get(key)?.uid !== pod.metadata.uid) this.#promised.delete(key)
    const policy = isCounted(pod) ? this.#sources.policyOf(pod) : undefined
    if (policy === undefined) return this.delete(key)
    const groupName = policy.countsRevisions ? revisionOf(pod) : ''
    const old = this.#members.get(key)
    const isMoved = old !== undefined && (old.policy !== policy || old.group !== groupName)
    const changes = isMoved ? this.#leave(key) : []
    this.#members.set(key, { policy, group: groupName })
    this.#group(policy, groupName).set(key, this.#standing(pod, key, policy))
    return changes
  }

  delete(key: ObjectKey): LedgerChange[] {
    this.#promised.delete(key)
    return this.#leave(key)
  }

  /** A policy changed or went: its counts are of no use any more. What selects its pods now is found by {@link set}. */
  forget(policy: ObjectKey): void {
    for (const group of this.groupsOf(policy)) for (const [key] of group.standings()) this.#members.delete(key)
    this.#groups.delete(policy)
  }

  #leave(key: ObjectKey): LedgerChange[] {
    const member = this.#members.get(key)
    if (member === undefined) return []
    this.#members.delete(key)
    const groups = this.#groups.get(member.policy.key)
    const group = groups?.get(member.group)
    group?.delete(key)
    if (group?.size === 0) groups?.delete(member.group)
    if (groups?.size === 0) this.#groups.delete(member.policy.key)
    return group ? [changeOf(member.policy, group)] : []
  }

  #standing(pod: Pod, key: ObjectKey, policy: CompiledPolicy): Standing {
    const { nodeName } = pod.spec
    const standing = {
      ...standingOf(pod, policy, nodeName ? this.#sources.labelsOf(nodeName) : undefined),
      asked: isGated(pod) ? this.#sources.askedBy(pod, policy) : undefined,
    }
    const promised = this.#promised.get(key)
    if (promised === undefined) return standing
    return { ...standing, isGated: promised.isHeld, number: undefined, ...this.promised(key) }
  }

  #group(policy: CompiledPolicy, name: string): Group {
    const groups = this.#groups.get(policy.key) ?? new Map<string, Group>()
    this.#groups.set(policy.key, groups)
    const group = groups.get(name) ?? new Group(policy)
    groups.set(name, group)
    return group
  }
}

const changeOf = ({ key, waitsForNodes }: CompiledPolicy, group: Group): LedgerChange => {
  const reopened = group.takeReopened()
  return { policy: key, next: [...group.first(), ...(waitsForNodes ? [] : reopened)] }
}
