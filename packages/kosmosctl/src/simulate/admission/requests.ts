import { type KubeObject, type Pod, type PodSpec, resource } from '@kosmos/kube'

type Amounts = Readonly<Record<string, string>>

export interface LimitRange extends KubeObject {
  readonly spec?: {
    readonly limits?: readonly {
      readonly type: string
      readonly default?: Amounts
      readonly defaultRequest?: Amounts
      readonly min?: Amounts
      readonly max?: Amounts
    }[]
  }
}

export const limitRanges = resource<LimitRange>('v1', 'LimitRange', 'limitranges', 'Namespaced')

/** A LimitRange as the API server stores it (SetDefaults_LimitRangeItem of pkg/apis/core/v1). Pure. */
export function defaultLimitRange(range: LimitRange): LimitRange {
  const limits = range.spec?.limits?.map((one) => {
    if (one.type !== 'Container') return one
    const limit = { ...one.max, ...one.default }
    return { ...one, default: limit, defaultRequest: { ...one.min, ...limit, ...one.defaultRequest } }
  })
  return { ...range, spec: { ...range.spec, ...(limits && { limits }) } }
}

interface Resources {
  readonly limits?: Amounts
  readonly requests?: Amounts
}

/**
 * The pod with what it requests in the end, and its limits: these where it requests nothing else, then the defaults of the LimitRanges of
 * its namespace, as the API server gives them (SetDefaults_Pod of pkg/apis/core/v1, plugin/pkg/admission/limitranger). Pure.
 */
export function withRequests(pod: Pod, ranges: readonly LimitRange[]): Pod {
  const defaults = ranges.flatMap(({ spec }) => spec?.limits ?? []).filter(({ type }) => type === 'Container')
  /** Of several the first one. */
  const over = (own: Amounts, ofRanges: readonly (Amounts | undefined)[]): Amounts =>
    Object.assign({}, ...ofRanges.toReversed(), own)
  const complete = (own: Resources | undefined): Resources => ({
    requests: over(
      { ...own?.limits, ...own?.requests },
      defaults.map((one) => one.defaultRequest),
    ),
    limits: over(
      { ...own?.limits },
      defaults.map((one) => one.default),
    ),
  })
  const completed = <T extends { readonly resources?: object }>(containers: readonly T[]) =>
    containers.map((one): T => ({ ...one, resources: { ...one.resources, ...complete(one.resources) } }))
  const { initContainers, resources } = pod.spec
  const containers = completed(pod.spec.containers)
  return {
    ...pod,
    spec: {
      ...pod.spec,
      containers,
      ...(initContainers && { initContainers: completed(initContainers) }),
      ...(resources && { resources: ofPod(resources, containers) }),
    },
  }
}

/** Limits of the pod as a whole count where none of its containers requests anything, by itself or by default. */
function ofPod(resources: Resources, containers: PodSpec['containers']): Resources {
  const isAsked = (name: string) =>
    containers.some((container) => {
      const { requests }: Resources = container.resources ?? {}
      return requests?.[name] !== undefined
    })
  const unasked = Object.entries(resources.limits ?? {}).filter(([name]) => !isAsked(name))
  return { ...resources, requests: { ...Object.fromEntries(unasked), ...resources.requests } }
}
