import type { PodSpec } from '@kosmos/kube'
import { type PodMutation, withSpec } from '../translation.ts'

type Resources = NonNullable<PodSpec['containers'][number]['resources']>

/**
 * Drops what a pod asks for of resources that an administrator advertises on its virtual node and no leaf node has: the root's
 * scheduler has counted them, and the leaf's would look for them in vain.
 */
export const dropRootResources: PodMutation = (translation, _root, { rootResources = [] }) => {
  if (rootResources.length === 0) return translation
  const { spec } = translation.pod
  const without = <T extends { readonly resources?: Resources }>(container: T): T =>
    container.resources ? { ...container, resources: less(container.resources, rootResources) } : container
  return withSpec(translation, {
    ...spec,
    containers: spec.containers.map(without),
    ...(spec.initContainers && { initContainers: spec.initContainers.map(without) }),
  })
}

function less({ requests, limits, ...rest }: Resources, names: readonly string[]): Resources {
  const kept = (amounts: Record<string, string>) =>
    Object.fromEntries(Object.entries(amounts).filter(([name]) => !names.includes(name)))
  return { ...rest, ...(requests && { requests: kept(requests) }), ...(limits && { limits: kept(limits) }) }
}
