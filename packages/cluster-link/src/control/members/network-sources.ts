import { type Client, type ConfigMap, configMaps } from '@kosmos/kube'
import type { Log } from '@kosmos/kube/process'
import { slimIPAMBlock } from '../../discover/sources/calico-blocks.ts'
import type { NetworkObjects, PlugInObject } from '../../discover/sources/objects.ts'
import { type Setting, settings } from '../../discover/sources/settings.ts'
import { blockAffinities, ciliumNodes, ipamBlocks, ipPools } from '../resources.ts'
import { Followed } from './followed.ts'
import { FollowedKind } from './followed-kind.ts'

export interface NetworkSourcesOptions {
  readonly client: Client
  readonly log: Log
  readonly changed: () => void
}

/** What is there and may not be read. */
export interface Forbidden {
  readonly kinds: readonly string[]
  /** Those of which nobody tells us whether they are there. */
  readonly configMaps: readonly string[]
}

/** What network plug-ins and installers of a cluster say of its networks, followed live. */
export class NetworkSources {
  readonly #ipPools
  readonly #blockAffinities
  readonly #ipamBlocks
  readonly #ciliumNodes
  readonly #configMaps

  constructor({ client, log, changed }: NetworkSourcesOptions) {
    const common = { client, log, changed, transform: withSpec }
    this.#ipPools = ipPools.map((resource) => new FollowedKind({ ...common, resource }))
    this.#blockAffinities = blockAffinities.map((resource) => new FollowedKind({ ...common, resource }))
    const transform = (block: PlugInObject) => slimIPAMBlock(withSpec(block))
    this.#ipamBlocks = ipamBlocks.map((resource) => new FollowedKind({ ...common, transform, resource }))
    this.#ciliumNodes = new FollowedKind({ ...common, resource: ciliumNodes })
    this.#configMaps = Object.values(settings)
      .flat()
      .map((setting) => ({ setting, followed: follow(client, setting, changed) }))
  }

  /** Resolves when it is known what is there. */
  get settled(): Promise<unknown> {
    return Promise.all(this.#all.map(({ settled }) => settled))
  }

  objects(): Pick<NetworkObjects, 'ipPools' | 'blockAffinities' | 'ipamBlocks' | 'ciliumNodes' | 'configMaps'> {
    return {
      ipPools: this.#ipPools.flatMap(({ objects }) => objects),
      blockAffinities: this.#blockAffinities.flatMap(({ objects }) => objects),
      ipamBlocks: this.#ipamBlocks.flatMap(({ objects }) => objects),
      ciliumNodes: this.#ciliumNodes.objects,
      configMaps: this.#configMaps.flatMap(({ followed }) => followed.objects),
    }
  }

  forbidden(): Forbidden {
    return {
      kinds: this.#kinds.flatMap(({ forbidden }) => forbidden ?? []),
      configMaps: this.#configMaps
        .filter(({ followed }) => followed.isForbidden)
        .map(({ setting }) => `ConfigMap ${setting.namespace}/${setting.name}`),
    }
  }

  /** Follows until the signal aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#all.map((one) => one.run(signal)))
  }

  get #kinds() {
    return [...this.#ipPools, ...this.#blockAffinities, ...this.#ipamBlocks, this.#ciliumNodes]
  }

  get #all() {
    return [...this.#kinds, ...this.#configMaps.map(({ followed }) => followed)]
  }
}

function follow(client: Client, { namespace, name, key }: Setting, changed: () => void): Followed<ConfigMap> {
  const transform = ({ data, ...others }: ConfigMap): ConfigMap => ({
    metadata: namesOf(others),
    ...(data?.[key] !== undefined && { data: { [key]: data[key] } }),
  })
  const fieldSelector = `metadata.name=${name}`
  return new Followed({ client, resource: configMaps, namespace, fieldSelector, transform }, changed)
}

/** A block or a pool has little else, the status of a CiliumNode is long. */
const withSpec = ({ metadata, spec }: PlugInObject): PlugInObject => ({ metadata: namesOf({ metadata }), spec })

function namesOf({ metadata }: Pick<ConfigMap, 'metadata'>): ConfigMap['metadata'] {
  const { name, namespace, uid, resourceVersion } = metadata
  return { name, ...(namespace && { namespace }), uid, resourceVersion }
}
