import { setRightAnnotation } from '@kosmos/api'
import type { KubeObject } from '@kosmos/kube'
import type { SetRight, Stepped } from './contested.ts'
import type { CopyPlan } from './plan.ts'
import type { CopyWritten } from './write.ts'

/** Who is written over by a plan, if that is what it is for. Pure. */
export function overwritten(plan: CopyPlan, by: string | undefined): string | undefined {
  return plan.kind === 'replace' && plan.setsRight ? by : undefined
}

/**
 * A copy in place of one that somebody else wrote to. It says so, also to whoever wrote and finds it gone; and since that is news each
 * time, our write is one in any case, later than theirs, by which it is known after a restart. Pure.
 * @param by undefined: it takes the place of none
 */
export function setRightBy(copy: KubeObject, by: string | undefined, at: Date): KubeObject {
  if (by === undefined) return copy
  const { annotations } = copy.metadata ?? {}
  const note = `${at.toISOString()}: made as in the root again after ${by} had changed it`
  return { ...copy, metadata: { ...copy.metadata, annotations: { ...annotations, [setRightAnnotation]: note } } }
}

/** What became of a step that was to write a copy: it is set right when it was written, and not when somebody was quicker. Pure. */
export function steppedBy(written: Exclude<CopyWritten, 'foreign'>, setRight?: SetRight): Stepped {
  if (written === 'written') return setRight
  return written === 'unchanged' ? undefined : written
}
