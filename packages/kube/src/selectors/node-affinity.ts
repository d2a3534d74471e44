import { type NodeLike, NodeSelector, type NodeSelectorTermSpec } from './node-selector.ts'
import { holds, type Labels, type SelectorError } from './requirement.ts'

/** What a pod's spec says about nodes by their labels. */
export interface NodeAffinitySpec {
  readonly nodeSelector?: Labels | undefined
  readonly affinity?:
    | {
        readonly nodeAffinity?:
          | {
              readonly requiredDuringSchedulingIgnoredDuringExecution?:
                | { readonly nodeSelectorTerms: readonly NodeSelectorTermSpec[] }
                | undefined
              readonly preferredDuringSchedulingIgnoredDuringExecution?:
                | readonly { readonly weight: number; readonly preference: NodeSelectorTermSpec }[]
                | undefined
            }
          | undefined
      }
    | undefined
}

/**
 * Which nodes a pod may be on, and which it likes: nodeSelector and node affinity together, as GetRequiredNodeAffinity and
 * PreferredSchedulingTerms of k8s.io/component-helpers/scheduling/corev1/nodeaffinity.
 */
export class NodeAffinity {
  readonly problems: readonly SelectorError[]
  readonly #labels: Labels
  readonly #required: NodeSelector | undefined
  readonly #preferred: readonly { readonly weight: number; readonly selector: NodeSelector }[]

  constructor(spec: NodeAffinitySpec) {
    const affinity = spec.affinity?.nodeAffinity
    const required = affinity?.requiredDuringSchedulingIgnoredDuringExecution
    const preferred = affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []
    this.#labels = spec.nodeSelector ?? {}
    this.#required = required && new NodeSelector(required.nodeSelectorTerms)
    this.#preferred = preferred.map(({ weight, preference }) => ({ weight, selector: new NodeSelector([preference]) }))
    this.problems = [this.#required, ...this.#preferred.map((p) => p.selector)].flatMap((s) => s?.problems ?? [])
  }

  /** Whether the pod may be on the node. */
  allows(node: NodeLike): boolean {
    const labels = node.metadata?.labels ?? {}
    for (const [key, value] of Object.entries(this.#labels)) {
      if (!holds({ key, operator: 'In', values: [value] }, labels)) return false
    }
    return this.#required?.matches(node) ?? true
  }

  /** The sum of the weights of the preferences that the node meets. */
  score(node: NodeLike): number {
    return this.#preferred.reduce((sum, { weight, selector }) => sum + (selector.matches(node) ? weight : 0), 0)
  }
}
