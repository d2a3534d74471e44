import { type Client, configMaps } from '@kosmos/kube'
import type { MetadataInformer } from '../configuration/controller.ts'

const SOURCE = { namespace: 'kube-system', name: 'kube-root-ca.crt' }

/** The authority of the root's API server, as the root publishes it in every namespace. Read once for each change of it. */
export class RootAuthority {
  readonly #root: Client
  readonly #configMaps: MetadataInformer
  #known: { readonly version: string | undefined; readonly pem: Promise<string> } | undefined

  constructor(root: Client, metadata: MetadataInformer) {
    this.#root = root
    this.#configMaps = metadata
  }

  /** PEM. Throws if the root publishes none. */
  async pem(): Promise<string> {
    const version = this.#configMaps.get(`${SOURCE.namespace}/${SOURCE.name}`)?.metadata?.resourceVersion
    if (this.#known === undefined || this.#known.version !== version) this.#known = { version, pem: this.#read() }
    try {
      return await this.#known.pem
    } catch (error) {
      this.#known = undefined
      throw error
    }
  }

  async #read(): Promise<string> {
    const pem = (await this.#root.get(configMaps, SOURCE))?.data?.['ca.crt']
    if (!pem) {
      throw new Error(
        `the root has no ConfigMap ${SOURCE.namespace}/${SOURCE.name} with the authority of its API server (its kube-controller-manager publishes it, by --root-ca-file)`,
      )
    }
    return pem
  }
}
