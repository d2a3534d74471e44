import type { LeafModel } from '@kosmos/api'
import type { OpenCluster } from '../clusters/connect.ts'
import { type Finding, isProblem, judge } from '../findings/finding.ts'
import { counted } from '../output/counted.ts'
import { Failure } from '../terminal/failure.ts'
import type { Progress } from '../terminal/progress.ts'
import { chosenLink, chosenTree, knownCluster } from './chosen.ts'
import { gatherFacts, type JoinFacts } from './facts.ts'
import { steps } from './left.ts'
import type { JoinOptions } from './options.ts'
import { joinChecks } from './preflight.ts'
import type { LinkChoices } from './root-manifests.ts'
import { chosenModels } from './virtual-node-checks.ts'

/** Two clusters that can be joined, and what the Cluster is to say: as asked for, else as before. */
export interface Found {
  readonly rootId: string
  readonly leafId: string
  /** Whether the root knows the kinds of kosmos.io. */
  readonly isDefined: boolean
  readonly leafModels: readonly LeafModel[] | undefined
  readonly tree: boolean
  readonly link: LinkChoices | undefined
}

/** The leaf cannot be joined as it is; has all reasons. */
export class JoinRefused extends Failure {
  readonly findings: readonly Finding[]

  constructor(name: string, findings: readonly Finding[]) {
    const count = findings.filter(isProblem).length
    super(`"${name}" was not joined, nothing was changed: ${counted(count, 'problem')}`)
    this.findings = findings
  }
}

/** Looks at both clusters and judges whether they can be joined; nothing is changed. @throws JoinRefused if not */
export async function look(
  options: JoinOptions,
  root: OpenCluster,
  leaf: OpenCluster,
  progress: Progress,
): Promise<Found> {
  const { name, server, model, installCrds = true, link, tree } = options
  const facts: JoinFacts = await progress.step(steps.look, () =>
    gatherFacts(root, leaf, { name, installCrds, serverOverride: server, model, tree, link: link !== undefined }),
  )
  const findings = judge(joinChecks, facts)
  const found = { root: facts.root.found, leaf: facts.leaf.found }
  if (findings.some(isProblem) || 'error' in found.root || 'error' in found.leaf) throw new JoinRefused(name, findings)
  for (const { verdict } of findings) {
    if (verdict.status === 'warning') progress.warn(`${verdict.what}; ${verdict.fix}`)
  }
  return {
    rootId: found.root.id,
    leafId: found.leaf.id,
    isDefined: found.root.definition !== 'missing',
    leafModels: chosenModels(facts),
    tree: chosenTree(knownCluster(facts), tree),
    link: chosenLink(knownCluster(facts), link),
  }
}
