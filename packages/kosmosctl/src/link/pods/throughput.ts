import type { Finding } from '../../findings/finding.ts'
import { ask } from './ask.ts'
import { pourer } from './manifests.ts'
import type { Outcome } from './outcome.ts'
import { settled } from './settled.ts'
import type { Site } from './sites.ts'
import { throughputTargets, type WaysFacts } from './ways.ts'

export interface ThroughputOptions {
  readonly sites: readonly Site[]
  readonly run: string
  readonly ways: WaysFacts
  /** Ways from or to these. */
  readonly chosen: ReadonlySet<string>
  readonly signal: AbortSignal
}

/**
 * How much a connection carries, from one pod of each cluster to one of each other one; one after the other, so that none is
 * in the way of another.
 */
export async function measureThroughput({ sites, run, ways, chosen, signal }: ThroughputOptions) {
  const outcomes: Outcome[] = []
  const findings: Finding[] = []
  for (const site of sites) {
    const from = ways.responders.find(({ cluster }) => cluster === site.name)
    const targets = (from ? throughputTargets(from, ways) : []).filter(
      ({ to }) => chosen.has(site.name) || chosen.has(to.split('/')[0] ?? ''),
    )
    if (from === undefined || targets.length === 0) continue
    const manifest = pourer(`link-check-${run}-pour`, { run, node: from.node, image: site.image }, targets)
    const found = await settled([{ site, work: () => ask(site, from.node, manifest, signal) }], signal)
    outcomes.push(...found.values.flat())
    findings.push(...found.findings)
  }
  return { outcomes, findings }
}
