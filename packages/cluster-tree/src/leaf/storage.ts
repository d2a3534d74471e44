import { AttachLimits } from '../attach-limits/controller.ts'
import { LeafCapacities } from '../capacities/controller.ts'
import { ConfigurationRegistry } from '../configuration/registry.ts'
import type { VirtualNodes } from '../nodes/virtual-nodes.ts'
import { LeafVolumes } from '../volumes/controller.ts'
import { SharedVolumes, type SharedVolumesOptions } from '../volumes/shared/controller.ts'
import type { LeafScope } from './scope.ts'
import type { LeafSources } from './sources.ts'
import type { TreeOptions } from './tree-options.ts'

export interface LeafStorageOptions
  extends Pick<TreeOptions, 'root' | 'cluster' | 'classNames' | 'attributesClassNames' | 'sharedClasses'>,
    Pick<SharedVolumesOptions, 'registered' | 'heldBack'>,
    Pick<VirtualNodes, 'membersOf'> {
  readonly sources: LeafSources
}

/** The volumes of pods in a leaf: those that it makes, those that the root has made, and which of either its nodes can take. */
export class LeafStorage {
  /** Which pods need which claims. */
  readonly claims = new ConfigurationRegistry()
  readonly volumes: LeafVolumes
  readonly #shared: SharedVolumes
  readonly #capacities: LeafCapacities
  readonly #attachLimits: AttachLimits

  constructor(scope: LeafScope, options: LeafStorageOptions) {
    const { root, cluster, sources, classNames, sharedClasses: shared, registered, heldBack, membersOf } = options
    const { classes: rootClasses } = root.volumes
    const common = {
      ...scope,
      registry: this.claims,
      rootNodes: root.virtualNodes,
      rootClasses,
      leafClaims: sources.claims,
      classNames,
    }
    this.#shared = new SharedVolumes({ ...common, rootClaims: root.volumes.claims, registered, heldBack, shared })
    this.volumes = new LeafVolumes({
      ...common,
      rootVolumes: root.volumes,
      virtualNodes: root.virtualNodes,
      shared: this.#shared,
      attributesClassNames: options.attributesClassNames,
      leafClasses: sources.storage.classes,
      nodeOf: (pod) => scope.rootPods.get(pod)?.spec.nodeName,
    })
    this.#capacities = new LeafCapacities({
      ...common,
      cluster: { name: scope.clusterName, uid: cluster.metadata.uid },
      rootCapacities: root.volumes.capacities,
      leafNodes: sources.nodes,
      leafStorage: sources.storage,
      membersOf,
    })
    this.#attachLimits = new AttachLimits({
      ...common,
      rootDrivers: root.drivers,
      rootCsiNodes: root.csiNodes,
      shared,
    })
  }

  async run(signal: AbortSignal): Promise<void> {
    const parts = [this.volumes, this.#shared, this.#capacities, this.#attachLimits]
    await Promise.all(parts.map(({ controller }) => controller.run(signal)))
  }

  /** Looks at the room for every class again: virtual nodes stand for other leaf nodes, or the leaf lets itself be asked again. */
  resumeCapacities(): void {
    this.#capacities.resume()
  }

  /** Takes up that the Cluster calls StorageClasses otherwise now. */
  classesRenamed(): void {
    this.volumes.classesRenamed()
    this.#capacities.resume()
  }

  /** Takes up that the Cluster says of other StorageClasses now that the leaf reaches their volumes. */
  classesShared(): void {
    this.#attachLimits.resume()
    this.#shared.resume()
  }

  /** How many of the root's volumes the leaf has. */
  get left(): number {
    return this.#shared.left
  }
}
