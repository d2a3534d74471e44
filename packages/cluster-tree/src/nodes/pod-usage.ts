import {
  equalResources,
  keyOf,
  type ObjectKey,
  type Pod,
  parseQuantity,
  podRequests,
  type ResourceList,
} from '@kosmos/kube'
import { ResourceSum } from './resource-sum.ts'

interface PodShare {
  readonly nodeName: string
  readonly requests: ResourceList
}

const none: ResourceList = new Map()
const one = parseQuantity('1')

/** What pods take of their nodes, kept up to date event by event; each pod is itself one of `pods`. */
export class PodUsage {
  readonly #pods = new Map<ObjectKey, PodShare>()
  readonly #byNode = new Map<string, ResourceSum>()

  on(nodeName: string): ResourceList {
    return this.#byNode.get(nodeName)?.get() ?? none
  }

  /** A pod appeared or changed. Returns the nodes whose use has changed. */
  set(pod: Pod): readonly string[] {
    const key = keyOf(pod)
    const old = this.#pods.get(key)
    const share = shareOf(pod)
    if (old && share && old.nodeName === share.nodeName && equalResources(old.requests, share.requests)) return []
    const left = this.remove(key)
    if (share === undefined) return left
    this.#pods.set(key, share)
    const used = this.#byNode.get(share.nodeName) ?? new ResourceSum()
    this.#byNode.set(share.nodeName, used)
    used.add(share.requests)
    return [...left, share.nodeName]
  }

  remove(key: ObjectKey): readonly string[] {
    const share = this.#pods.get(key)
    if (share === undefined) return []
    this.#pods.delete(key)
    const used = this.#byNode.get(share.nodeName)
    used?.subtract(share.requests)
    if (used?.isEmpty) this.#byNode.delete(share.nodeName)
    return [share.nodeName]
  }
}

/** What a pod takes; undefined when it takes nothing, being unbound or ended. */
function shareOf(pod: Pod): PodShare | undefined {
  const { nodeName } = pod.spec
  const phase = pod.status?.phase
  if (!nodeName || phase === 'Succeeded' || phase === 'Failed') return undefined
  return { nodeName, requests: new Map([...podRequests(pod), ['pods', one]]) }
}
