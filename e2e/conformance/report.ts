import type { ConformanceRun } from './run.ts'
import type { Outcome } from './suite.ts'

interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** What `npm run conformance -- --json` prints: others read it, so its shape stays. */
export interface ConformanceResult {
  readonly focus: string
  readonly leaf: Counts
  readonly tree: Counts
  /** Tests that pass straight on the leaf and not through the tree. */
  readonly onlyInLeaf: readonly string[]
}

export function resultOf(focus: string, { leaf, tree }: ConformanceRun): ConformanceResult {
  return {
    focus,
    leaf: counts(leaf),
    tree: counts(tree),
    onlyInLeaf: onlyInLeaf({ leaf, tree }).map(({ name }) => name),
  }
}

/** For people: the counts, the share that passes, and why each of the others does not. */
export function describe(focus: string, run: ConformanceRun): string {
  const { leaf, tree } = resultOf(focus, run)
  const lost = onlyInLeaf(run)
  const share = leaf.passed > 0 ? (100 * (leaf.passed - lost.length)) / leaf.passed : 0
  const line = (name: string, { passed, failed, skipped }: Counts) =>
    `${name}: ${passed} passed, ${failed} failed, ${skipped} skipped`
  const why = ({ name, message = '' }: Outcome) =>
    `- ${name}\n    ${message.trim().split('\n').slice(0, 3).join('\n    ')}`
  return [
    line('straight on the leaf', leaf),
    line('through the tree', tree),
    `${share.toFixed(1)} % of those that pass on the leaf pass through the tree`,
    ...lost.map(why),
  ].join('\n')
}

function onlyInLeaf({ leaf, tree }: ConformanceRun): Outcome[] {
  const through = new Map(tree.map((outcome) => [outcome.name, outcome]))
  return leaf
    .filter(({ name, state }) => state === 'passed' && through.get(name)?.state !== 'passed')
    .map((outcome) => through.get(outcome.name) ?? { ...outcome, state: 'failed', message: 'it was not run' })
}

function counts(outcomes: readonly Outcome[]): Counts {
  const count = (state: Outcome['state']) => outcomes.filter((outcome) => outcome.state === state).length
  return { passed: count('passed'), failed: count('failed'), skipped: count('skipped') }
}
