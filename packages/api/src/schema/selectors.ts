import Type from 'typebox'
import { mapOf, ruleFor, struct } from './build.ts'
import { labelKeyMaxLength, labelKeyPattern, labelKeysRule, labelValuePattern, timePattern } from './patterns.ts'

const labelKey = (description: string) =>
  Type.String({ description, minLength: 1, maxLength: labelKeyMaxLength, pattern: labelKeyPattern })
const labelValue = (description: string) => Type.String({ description, maxLength: 63, pattern: labelValuePattern })

export const labels = (description: string) =>
  mapOf(labelValue('The value of the label.'), { description, maxProperties: 64, rules: [labelKeysRule] })

const matchExpression = struct(
  {
    key: labelKey('The label key that the requirement is about.'),
    operator: Type.Enum(['In', 'NotIn', 'Exists', 'DoesNotExist'], {
      description: 'How the label is compared with values.',
    }),
    values: Type.Optional(
      Type.Array(labelValue('A label value.'), {
        description: 'The values to compare with; needed for In and NotIn, not allowed for Exists and DoesNotExist.',
        maxItems: 256,
      }),
    ),
  },
  {
    description: 'One requirement.',
    rules: [
      ruleFor<{ operator: string; values?: string[] }>({
        cel: "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
        message: 'In and NotIn need values, Exists and DoesNotExist must not have any',
        check: ({ operator, values }) => (operator === 'In' || operator === 'NotIn') === (values ?? []).length > 0,
      }),
    ],
  },
)

/** A metav1.LabelSelector. */
export const labelSelector = (description: string) =>
  struct(
    {
      matchLabels: Type.Optional(labels('Labels that have to be there with exactly these values.')),
      matchExpressions: Type.Optional(
        Type.Array(matchExpression, { description: 'Requirements that all have to hold.', maxItems: 64 }),
      ),
    },
    { description },
  )

/** A core/v1 Taint. */
export const taint = struct(
  {
    key: labelKey('The taint key.'),
    value: Type.Optional(labelValue('The taint value.')),
    effect: Type.Enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute'], {
      description: 'What happens to pods that do not tolerate the taint.',
    }),
    timeAdded: Type.Optional(
      Type.String({
        description: 'When the taint was added; NoExecute counts from here.',
        maxLength: 40,
        pattern: timePattern,
      }),
    ),
  },
  { description: 'A taint.' },
)

interface TolerationRules {
  key?: string
  operator?: string
  value?: string
  effect?: string
  tolerationSeconds?: number
}

/** A core/v1 Toleration. */
export const toleration = struct(
  {
    key: Type.Optional(labelKey('The taint key; none: every key.')),
    operator: Type.Optional(
      Type.Enum(['Exists', 'Equal'], {
        description: 'Exists: whatever the value of the taint is. Equal, the default: it is this value.',
      }),
    ),
    value: Type.Optional(labelValue('The taint value.')),
    effect: Type.Optional(
      Type.Enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute'], { description: 'The taint effect; none: every one.' }),
    ),
    tolerationSeconds: Type.Optional(
      Type.Integer({ description: 'For how long; only with NoExecute. None: for ever.', format: 'int64' }),
    ),
  },
  {
    description: 'A toleration.',
    rules: [
      ruleFor<TolerationRules>({
        cel: "(has(self.operator) && self.operator == 'Exists') || has(self.key)",
        message: 'a toleration without a key needs the operator Exists',
        check: ({ key, operator }) => operator === 'Exists' || key !== undefined,
      }),
      ruleFor<TolerationRules>({
        cel: "!has(self.operator) || self.operator != 'Exists' || !has(self.value) || self.value == ''",
        message: 'a toleration with the operator Exists has no value',
        check: ({ operator, value }) => operator !== 'Exists' || !value,
      }),
      ruleFor<TolerationRules>({
        cel: "!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
        message: 'tolerationSeconds goes with the effect NoExecute',
        check: ({ effect, tolerationSeconds }) => tolerationSeconds === undefined || effect === 'NoExecute',
      }),
    ],
  },
)
