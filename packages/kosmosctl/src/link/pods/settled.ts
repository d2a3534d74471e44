import { type Finding, problem } from '../../findings/finding.ts'
import { explain } from '../../terminal/explain.ts'
import { Failure } from '../../terminal/failure.ts'
import type { Site } from './sites.ts'

export interface Job<T> {
  readonly site: Site
  readonly work: () => Promise<T>
}

/** Waits for all of them, so that nothing is made any more when this ends; what failed is a finding. */
export async function settled<T>(
  jobs: readonly Job<T>[],
  signal: AbortSignal,
): Promise<{ readonly values: T[]; readonly findings: Finding[] }> {
  const values: T[] = []
  const findings: Finding[] = []
  await Promise.all(
    jobs.map(async ({ site, work }) => {
      try {
        values.push(await work())
      } catch (error) {
        const { message, next = 'kosmosctl link check again' } = explain(error)
        findings.push({ id: 'pods', cluster: site.name, verdict: problem(message, next) })
      }
    }),
  )
  if (signal.aborted) throw new Failure('interrupted')
  return { values, findings }
}
