import type { TObject } from 'typebox'
import type { Rule } from './build.ts'

/** A column of `kubectl get`. */
export interface PrinterColumn {
  readonly name: string
  readonly type: 'string' | 'integer' | 'boolean' | 'date'
  /** Where the value is, relative to the object. */
  readonly jsonPath: string
  readonly description: string
  /** Only with `-o wide`. */
  readonly wide?: boolean
}

/** A kind of ours: where it lives in the API and what its objects look like. */
export interface Kind {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  readonly singular: string
  readonly shortNames?: readonly string[]
  readonly categories: readonly string[]
  readonly scope: 'Cluster' | 'Namespaced'
  readonly description: string
  readonly spec: TObject
  /** None: nothing is told about its objects. */
  readonly status?: TObject
  /** Rules on the whole object, in CEL; of the metadata they see the name only. */
  readonly rules: readonly Pick<Rule, 'cel' | 'message'>[]
  readonly columns: readonly PrinterColumn[]
}
