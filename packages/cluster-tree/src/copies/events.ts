import type { Notice } from '../root/events.ts'

/** How often something was written again. */
export interface Quarrel {
  /** Who else writes to it, as the leaf's API server knows them. */
  readonly by: string
  /** In a row. */
  readonly times: number
  /** For how long it is left to them next time, in ms. */
  readonly pauseMs: number
}

/** `what`: e.g. `ConfigMap settings`. */
export const changedInLeaf = (what: string, cluster: string, { by, times, pauseMs }: Quarrel): Notice => ({
  type: 'Warning',
  reason: 'ConfigurationChangedInLeaf',
  action: 'SettingRight',
  note: [
    `${what} was changed in cluster ${cluster} by ${by}, and is as the root has it again: only what is changed there stays`,
    ...(times > 1
      ? [`That was ${times} times in a row; the next time theirs stays for up to ${pauseMs / 1_000} s`]
      : []),
  ].join('. '),
})
