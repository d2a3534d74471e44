/** What one check found. `what` and `fix` are sentences for people. */
export type Verdict =
  | { readonly status: 'ok'; readonly what: string }
  | { readonly status: 'warning' | 'problem'; readonly what: string; readonly fix: string }
  /** It could not be looked at, because of another problem. */
  | { readonly status: 'skipped'; readonly what: string }

export interface Finding {
  readonly id: string
  readonly cluster?: string
  readonly verdict: Verdict
}

/** A check looks at facts that were gathered before; it sends nothing. */
export interface Check<Facts> {
  readonly id: string
  readonly run: (facts: Facts) => Verdict
}

export const ok = (what: string): Verdict => ({ status: 'ok', what })
export const warning = (what: string, fix: string): Verdict => ({ status: 'warning', what, fix })
export const problem = (what: string, fix: string): Verdict => ({ status: 'problem', what, fix })
export const skipped = (what: string): Verdict => ({ status: 'skipped', what })

/** Runs all checks, so that everything that is wrong is known at once. */
export function judge<Facts>(checks: readonly Check<Facts>[], facts: Facts, cluster?: string): Finding[] {
  return checks.map(({ id, run }) => ({ id, ...(cluster !== undefined && { cluster }), verdict: run(facts) }))
}

export const isProblem = ({ verdict }: Finding): boolean => verdict.status === 'problem'
