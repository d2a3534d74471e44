import type { KubeObject } from '@kosmos/kube'

/** What a controller tells the user who looks at an object; made by the constructors in each noun's events.ts. */
export interface Notice {
  readonly type: 'Normal' | 'Warning'
  /** CamelCase, for programs. */
  readonly reason: string
  /** What we did or tried, CamelCase (events.k8s.io/v1 `action`). */
  readonly action: string
  /** For people. */
  readonly note: string
}

/** Takes Events without making the caller wait; never throws. */
export interface EventSink {
  record(regarding: KubeObject, notice: Notice): void
}
