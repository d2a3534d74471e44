import Type, { type Static } from 'typebox'
import { struct } from './build.ts'
import { labelKeyPattern, timePattern } from './patterns.ts'

/** In characters, as metav1.Condition has it. */
const LONGEST_MESSAGE = 32_768

/** A metav1.Condition. */
export const conditionOf = (types: string) =>
  struct(
    {
      type: Type.String({
        description: `What the condition is about: ${types}.`,
        maxLength: 316,
        pattern: labelKeyPattern,
      }),
      status: Type.Enum(['True', 'False', 'Unknown'], { description: 'Whether it holds.' }),
      observedGeneration: Type.Optional(
        Type.Integer({
          description: 'The metadata.generation that it was computed from.',
          format: 'int64',
          minimum: 0,
        }),
      ),
      lastTransitionTime: Type.String({
        description: 'When status last changed.',
        maxLength: 40,
        pattern: timePattern,
      }),
      reason: Type.String({
        description: 'Why, in one word for programs; the reference lists all of them.',
        minLength: 1,
        maxLength: 1024,
        pattern: '^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$',
      }),
      message: Type.String({ description: 'Why, and what to do, for people.', maxLength: LONGEST_MESSAGE }),
    },
    { description: 'One condition.' },
  )

export type Condition = Static<ReturnType<typeof conditionOf>>

/** Why a condition is as it is. */
export interface Reason {
  readonly status: Condition['status']
  /** What happened and what to do, without a full stop. */
  readonly message: string
}

/** Every condition of a kind and every reason that it can have. */
export type ConditionTable = Readonly<Record<string, Readonly<Record<string, Reason>>>>

/** A condition that has not been written yet: when it changed is only known when it is. */
export type NewCondition = Omit<Condition, 'lastTransitionTime'>

/**
 * The conditions with `next` in place of the one of its type; lastTransitionTime moves only with status, as in
 * apimachinery's meta.SetStatusCondition. Returns `conditions` itself when nothing changes, so that nothing is written.
 * @param now RFC 3339
 */
export function withCondition(conditions: readonly Condition[], next: NewCondition, now: string): readonly Condition[] {
  const current = conditions.find(({ type }) => type === next.type)
  if (current === undefined) return [...conditions, { ...next, lastTransitionTime: now }]
  if (
    current.status === next.status &&
    current.reason === next.reason &&
    current.message === next.message &&
    current.observedGeneration === next.observedGeneration
  ) {
    return conditions
  }
  const lastTransitionTime = current.status === next.status ? current.lastTransitionTime : now
  return conditions.map((condition) => (condition === current ? { ...next, lastTransitionTime } : condition))
}

/**
 * A condition with the status and sentence of its reason.
 * @param detail what the sentence cannot know, such as the error; never a secret. Cut where the message would be refused.
 */
export function conditionFrom(
  table: ConditionTable,
  type: string,
  reason: string,
  options: { readonly detail?: string; readonly observedGeneration?: number } = {},
): NewCondition {
  const { detail, observedGeneration } = options
  const found = table[type]?.[reason]
  if (found === undefined) throw new TypeError(`condition ${type} has no reason ${reason}`)
  const { status, message } = found
  return {
    type,
    status,
    reason,
    message: detail === undefined ? message : `${message}: ${detail}`.slice(0, LONGEST_MESSAGE),
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
  }
}
