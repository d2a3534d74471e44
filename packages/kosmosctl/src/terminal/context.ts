import type { Progress } from './progress.ts'

/** What a command may use of the world besides the clusters. */
export interface Terminal {
  /** For results. */
  readonly print: (text: string) => void
  readonly progress: Progress
}
