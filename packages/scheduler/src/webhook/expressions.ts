import { placementGate, type ResourceSelector, workloadPolicyLabel } from '@kosmos/api'
import type { StoredPolicy } from '../policies/compiled-policy.ts'

type LabelSelectorSpec = NonNullable<StoredPolicy['spec']['labelSelector']>

/** Pods that wait already, have their node, or are for one node each. */
export const mayWait = `(!has(object.spec.schedulingGates) || !object.spec.schedulingGates.exists(gate, gate.name == '${placementGate}'))
&& (!has(object.spec.nodeName) || object.spec.nodeName == '')
&& (!has(object.metadata.ownerReferences) || !object.metadata.ownerReferences.exists(owner, owner.kind == 'DaemonSet' && owner.?controller.orValue(false)))`

/** In CEL: whether one of the WorkloadPolicies selects the pod `object`, as compilePolicy has it. Pure. */
export function isSelected(policies: readonly StoredPolicy[]): string {
  const names = policies.map(({ metadata }) => metadata.name)
  const one = ({ spec }: StoredPolicy): string[] => [
    ...(spec.labelSelector ? [labelsMatch(spec.labelSelector)] : []),
    ...(spec.workload ? [isOf(spec.workload)] : []),
  ]
  const asked = `(${has(workloadPolicyLabel)} && labels[${text(workloadPolicyLabel)}] in ${list(names)})`
  return withLabels([asked, ...policies.flatMap(one)])
}

/** In CEL: whether one of the selectors may mean the pod, of whose generated name only the start is known. Pure. */
export function isMeant(selectors: readonly ResourceSelector[]): string {
  const one = ({ name, namePrefix, labelSelector }: ResourceSelector): string => {
    if (name) return `(name != '' ? name == ${text(name)} : ${text(name)}.startsWith(start))`
    if (namePrefix) {
      const prefix = text(namePrefix)
      return `(name != '' ? name.startsWith(${prefix}) : start.startsWith(${prefix}) || ${prefix}.startsWith(start))`
    }
    return labelSelector ? labelsMatch(labelSelector) : 'true'
  }
  const generated = "object.metadata.?generateName.orValue('')"
  return `[object.metadata.?name.orValue('')].exists(name, [${generated}.size() > 58 ? ${generated}.substring(0, 58) : ${generated}].exists(start,
${withLabels(selectors.map(one))}))`
}

const withLabels = (terms: readonly string[]): string =>
  `[object.metadata.?labels.orValue({})].exists(labels, ${terms.length === 0 ? 'false' : terms.join('\n|| ')})`

function labelsMatch({ matchLabels = {}, matchExpressions = [] }: LabelSelectorSpec): string {
  const terms = [
    ...Object.entries(matchLabels).map(([key, value]) => `${has(key)} && labels[${text(key)}] == ${text(value)}`),
    ...matchExpressions.map(({ key, operator, values = [] }) => {
      const isIn = `${has(key)} && labels[${text(key)}] in ${list(values)}`
      if (operator === 'In') return isIn
      if (operator === 'NotIn') return `!(${isIn})`
      return operator === 'Exists' ? has(key) : `!(${has(key)})`
    }),
  ]
  return terms.length === 0 ? 'true' : `(${terms.join(' && ')})`
}

function isOf({ kind, name }: NonNullable<StoredPolicy['spec']['workload']>): string {
  const isOwner =
    kind === 'Deployment'
      ? `owner.kind == 'ReplicaSet' && ${has('pod-template-hash')} && owner.name == ${text(`${name}-`)} + labels['pod-template-hash']`
      : `owner.kind == ${text(kind)} && owner.name == ${text(name)}`
  return `(has(object.metadata.ownerReferences) && object.metadata.ownerReferences.exists(owner, owner.?controller.orValue(false) && ${isOwner}))`
}

const has = (key: string): string => `${text(key)} in labels`
/** A string of JSON is one of CEL, so nothing that a user writes can be more than a value. */
const text = (value: string): string => JSON.stringify(value)
const list = (values: readonly string[]): string => `[${values.map(text).join(', ')}]`
