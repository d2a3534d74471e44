import type { Notice } from '../root/events.ts'

/** `what`: e.g. `ConfigMap settings`. */
export const notUpdated = (what: string, cluster: string, why: string): Notice => ({
  type: 'Warning',
  reason: 'ConfigurationNotUpdated',
  action: 'UpdatingConfiguration',
  note: `${what} is in cluster ${cluster} not as it is in the root: ${why}`,
})

/** How often something was written again. */
export interface Quarrel {
  /** Who else writes to it, as the leaf's API server knows them. */
  readonly by: string
  /** In a row. */
  readonly times: number
  /** For how long it is left to them next time, in ms. */
  readonly pauseMs: number
}

export const changedInLeaf = (what: string, cluster: string, { by, times, pauseMs }: Quarrel): Notice => ({
  type: 'Warning',
  reason: 'ConfigurationChangedInLeaf',
  action: 'UpdatingConfiguration',
  note: [
    `${what} was changed in cluster ${cluster} by ${by}, and is as in the root again: change it in the root`,
    ...(times > 1
      ? [`That was ${times} times in a row; the next time theirs stays for up to ${pauseMs / 1_000} s`]
      : []),
  ].join('. '),
})
