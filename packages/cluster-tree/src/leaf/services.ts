import { sameAddress } from '../endpoints/address-translator.ts'
import { EndpointCopies } from '../endpoints/controller.ts'
import { Neighbours } from '../links/neighbours.ts'
import type { Root } from '../root/root.ts'
import { ServiceCopies, type ServiceCopiesOptions } from '../services/controller.ts'
import type { LeafScope } from './scope.ts'
import type { LeafSources } from './sources.ts'

/** The Services of the root as the pods of a leaf find them, with their endpoints. */
export class LeafServices {
  readonly copies: ServiceCopies
  readonly #endpoints: EndpointCopies

  constructor(scope: LeafScope, root: Root, sources: LeafSources, settled: ServiceCopiesOptions['settled']) {
    const services = { ...scope, rootServices: root.services, leafServices: sources.services }
    this.copies = new ServiceCopies({ ...services, settled })
    this.#endpoints = new EndpointCopies({
      ...services,
      rootSlices: root.endpointSlices,
      leafSlices: sources.endpointSlices,
      boundPods: root.boundPods.informer,
      translateAddress: sameAddress,
      neighbours: new Neighbours({
        clusterName: scope.clusterName,
        clusters: root.clusters,
        virtualNodes: root.virtualNodes,
        slices: root.serviceSlices,
      }),
    })
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.copies.controller.run(signal), this.#endpoints.run(signal)])
  }
}
