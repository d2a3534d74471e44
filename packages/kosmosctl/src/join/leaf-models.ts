import { type ClusterManifest, type LeafModel, leafModelOverlap, validateCluster } from '@kosmos/api'
import { LabelSelector, type LabelSelectorSpec, type Labels, parseLabelSelector, SelectorError } from '@kosmos/kube'
import { InvalidArgumentError } from 'commander'
import { WrongUsage } from '../terminal/failure.ts'
import { clusterManifest } from './root-manifests.ts'

export const modelKinds = ['cluster', 'node', 'group'] as const

/** What the leaf shall be in the root: one virtual node, one for each of some leaf nodes, or one for each group of them. */
export type ModelChoice =
  | { readonly kind: 'cluster' }
  | { readonly kind: 'node'; readonly selector: LabelSelector }
  | { readonly kind: 'group'; readonly groups: readonly LeafModel[] }

export interface ModelFlags {
  readonly model?: (typeof modelKinds)[number]
  readonly nodeSelector?: LabelSelector
  readonly group?: readonly LeafModel[]
}

export interface LeafNode {
  readonly name: string
  readonly labels: Labels
}

/**
 * What the flags say; undefined: nothing. Pure.
 * @throws WrongUsage if they contradict each other
 */
export function modelChoice({ model, nodeSelector, group: groups = [] }: ModelFlags): ModelChoice | undefined {
  const kind = model ?? (nodeSelector ? 'node' : groups.length > 0 ? 'group' : undefined)
  if (nodeSelector && kind !== 'node') throw new WrongUsage(`--node-selector is for --model node, not ${kind}`)
  if (groups.length > 0 && kind !== 'group') throw new WrongUsage(`--group is for --model group, not ${kind}`)
  if (kind === 'node') return { kind, selector: nodeSelector ?? LabelSelector.everything }
  if (kind !== 'group') return kind && { kind }
  if (groups.length === 0) {
    throw new WrongUsage('--model group needs groups', { next: 'say which, as --group NAME=SELECTOR for each' })
  }
  for (const [i, a] of groups.entries()) {
    const b = groups.slice(i + 1).find((other) => leafModelOverlap([a, other]) !== undefined)
    if (!b) continue
    const names = [a, b].map(({ leafNodeName }) => `"${leafNodeName}"`).join(' and ')
    throw new WrongUsage(`a node could be in both of the groups ${names}`, {
      next: 'let one exclude the label of the other, such as gpu=pool=gpu and rest=pool!=gpu',
    })
  }
  return { kind, groups }
}

/** spec.clusterTreeOptions.leafModels for a choice, with the nodes that the leaf has. Pure. */
export function leafModels(choice: ModelChoice, leafNodes: readonly LeafNode[]): LeafModel[] {
  switch (choice.kind) {
    case 'cluster':
      return []
    case 'node':
      return leafNodes
        .filter(({ labels }) => choice.selector.matches(labels))
        .map(({ name }) => ({ nodeSelector: { nodeName: name } }))
        .sort((a, b) => (a.nodeSelector.nodeName < b.nodeSelector.nodeName ? -1 : 1))
    case 'group':
      return [...choice.groups]
  }
}

/** What an API server would not store of them, in words. Pure. */
export function leafModelsProblem(leafModels: readonly LeafModel[]): string | undefined {
  const manifest = clusterManifest('leaf', { id: '', account: '' }, { leafModels })
  const [problem] = validateCluster(manifest satisfies ClusterManifest)
  return problem && `${problem.path.replace(/^spec\.clusterTreeOptions\.(leafModels\[0\]\.)?/, '')}: ${problem.message}`
}

/** `pool=gpu,zone in (a,b)`, for the command line. */
export function parseNodeSelector(text: string): LabelSelector {
  try {
    return parseLabelSelector(text)
  } catch (error) {
    if (error instanceof SelectorError) throw new InvalidArgumentError(`${error.message}.`)
    throw error
  }
}

/** Adds one `NAME=SELECTOR` to those before it, for the command line. */
export function parseGroup(text: string, before: readonly LeafModel[] = []): LeafModel[] {
  const at = text.indexOf('=')
  const [name, selector] = [text.slice(0, at), text.slice(at + 1).trim()]
  if (at < 1 || selector === '') throw new InvalidArgumentError('Write it as NAME=SELECTOR, such as gpu=pool=gpu.')
  const labelSelector = selectorSpec(parseNodeSelector(selector))
  const group = { leafNodeName: name, nodeSelector: { labelSelector } } satisfies LeafModel
  const problem = leafModelsProblem([group])
  if (problem !== undefined) throw new InvalidArgumentError(`${problem}.`)
  return [...before, group]
}

type SelectorField = NonNullable<NonNullable<LeafModel['nodeSelector']>['labelSelector']>

/** As manifests have it. */
function selectorSpec({ requirements }: LabelSelector): SelectorField {
  const matchLabels: Record<string, string> = {}
  const matchExpressions: NonNullable<SelectorField['matchExpressions']> = []
  for (const { key, operator, values } of requirements) {
    if (operator === 'Gt' || operator === 'Lt') {
      throw new InvalidArgumentError(`Groups are told apart by =, !=, in, notin and existence, not by < or >.`)
    }
    const [value] = values
    if (operator === 'In' && values.length === 1 && value !== undefined && !Object.hasOwn(matchLabels, key)) {
      matchLabels[key] = value
    } else {
      matchExpressions.push({ key, operator, ...(values.length > 0 && { values: [...values] }) })
    }
  }
  return {
    ...(Object.keys(matchLabels).length > 0 && { matchLabels }),
    ...(matchExpressions.length > 0 && { matchExpressions }),
  } satisfies LabelSelectorSpec
}
