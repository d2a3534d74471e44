import type { ObjectKey, Pod } from '@kosmos/kube'
import type { PodCertificates } from '../../certificates/controller.ts'
import type { ConfigurationCopies } from '../../configuration/controller.ts'
import type { ConfigurationKey, ConfigurationRegistry } from '../../configuration/registry.ts'
import type { ServiceCopies } from '../../services/controller.ts'
import type { PodTrust } from '../../trust/controller.ts'
import { claimsOf } from '../../volumes/claim.ts'
import type { LeafVolumes } from '../../volumes/controller.ts'
import type { Rename } from '../translate/renamed-references.ts'
import { claimBlocked, copyRefused } from '../waiting/refusal.ts'
import type { Waiting } from '../waiting/waiting.ts'
import { type Reference, references } from './references.ts'

/** What a pod needs and does not have in the leaf yet. */
export interface Needs {
  /** Absent in the root, and the pod cannot start without it. */
  readonly missing: readonly Reference[]
  /** Absent in the root, and the pod starts without it. */
  readonly absent: readonly Reference[]
  /** Why something cannot be there. */
  readonly blocked: Waiting | undefined
  /** Something is on its way; the pod is woken when it is there. */
  readonly pending: boolean
}

export const NOTHING_NEEDED: Needs = { missing: [], absent: [], blocked: undefined, pending: false }

export interface PodNeedsOptions {
  readonly clusterName: string
  /** Which pods need which ConfigMaps and Secrets. */
  readonly registry: ConfigurationRegistry
  readonly copies: Pick<ConfigurationCopies, 'stateOf' | 'refusalOf' | 'nameOf' | 'enqueue'>
  /** Which pods need which claims. */
  readonly claims: ConfigurationRegistry
  readonly volumes: Pick<LeafVolumes, 'stateOf' | 'refusalOf' | 'whereabouts' | 'nameOf' | 'enqueue'>
  readonly services: Pick<ServiceCopies, 'isSettled'>
  readonly trust: Pick<PodTrust, 'stateOf'>
  readonly certificates: Pick<PodCertificates, 'stateOf'>
}

/** What the pods of one leaf need, and whether it is there. */
export class PodNeeds {
  readonly #options: PodNeedsOptions

  constructor(options: PodNeedsOptions) {
    this.#options = options
  }

  /** States what a pod needs, or with undefined that it is gone: what nobody needs any more is collected. */
  register(key: ObjectKey, pod: Pod | undefined): void {
    const { registry, copies, claims, volumes } = this.#options
    const referred = pod
      ? references(pod.spec).map((reference) => ({
          reference,
          key: configurationKey(pod.metadata.namespace, reference),
        }))
      : []
    const optional = referred.filter(({ reference }) => reference.optional).map(({ key }) => key)
    for (const turned of registry.set(
      key,
      referred.map(({ key }) => key),
      optional,
    ))
      copies.enqueue(turned)
    const mounted = pod ? claimsOf(pod).map((name) => `${pod.metadata.namespace}/${name}`) : []
    for (const turned of claims.set(key, mounted)) volumes.enqueue(turned)
  }

  /** What the leaf calls what a pod of a namespace names. */
  nameOf(namespace: string): Rename {
    const { copies, volumes } = this.#options
    return (kind, name) =>
      kind === 'PersistentVolumeClaim'
        ? volumes.nameOf(`${namespace}/${name}`)
        : copies.nameOf(configurationKey(namespace, { kind, name }))
  }

  /** What keeps a pod from being created in the leaf. */
  of(pod: Pod): Needs {
    const { copies, volumes, services, trust, certificates, clusterName } = this.#options
    const { namespace } = pod.metadata
    const missing: Reference[] = []
    const absent: Reference[] = []
    // A kubelet does not start a pod before it knows the Services whose variables it gets.
    let pending = !services.isSettled(namespace)
    let blocked: Waiting | undefined
    for (const reference of references(pod.spec)) {
      const key = configurationKey(namespace, reference)
      switch (copies.stateOf(key)) {
        case 'missing':
          ;(reference.optional ? absent : missing).push(reference)
          break
        case 'refused':
          blocked ??= copyRefused(reference, clusterName, copies.refusalOf(key))
          break
        case 'pending':
          pending = true
      }
    }
    for (const name of claimsOf(pod)) {
      const key = `${namespace}/${name}`
      const state = volumes.stateOf(key)
      if (state === 'pending') pending = true
      else if (state !== 'current') {
        const said = state === 'elsewhere' ? volumes.whereabouts(key) : volumes.refusalOf(key)
        blocked ??= claimBlocked(name, state, clusterName, said)
      }
    }
    for (const state of [trust.stateOf(pod), certificates.stateOf(pod)]) {
      if (state === 'pending') pending = true
      else blocked ??= state
    }
    return { missing, absent, blocked, pending }
  }
}

function configurationKey(namespace: string, { kind, name }: Pick<Reference, 'kind' | 'name'>): ConfigurationKey {
  return `${kind === 'ConfigMap' ? 'configmaps' : 'secrets'}/${namespace}/${name}`
}
