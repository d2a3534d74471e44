import type { Manifest } from '../../clusters/resources.ts'
import { linkNamespace } from '../network/facts.ts'
import { type Outcome, outcomesIn } from './outcome.ts'
import { runPod } from './run.ts'
import type { Site } from './sites.ts'

const timeoutMs = 120_000

/** Runs a pod that tries something to its end, and reads what came of it. */
export async function ask(site: Site, node: string, manifest: Manifest, signal: AbortSignal): Promise<Outcome[]> {
  const isOver = (phase: string) => phase === 'Succeeded' || phase === 'Failed'
  await runPod(site, manifest, { timeoutMs, signal }, isOver)
  const path = `/api/v1/namespaces/${linkNamespace}/pods/${manifest.metadata?.name}/log`
  return outcomesIn(String(await site.client.raw(path)), `${site.name}/${node}`)
}
