import { SelectorError } from './requirement.ts'

export interface FieldTerm {
  readonly field: string
  readonly operator: '=' | '!='
  readonly value: string
}

/** A conjunction of terms on fields. `toString` is the form of `fieldSelector=`. */
export class FieldSelector {
  readonly terms: readonly FieldTerm[]

  constructor(terms: readonly FieldTerm[]) {
    this.terms = terms
  }

  /** `fields` by path (`spec.nodeName`); one that is missing is empty. */
  matches(fields: Readonly<Record<string, string>>): boolean {
    return this.terms.every(({ field, operator, value }) => {
      const actual = Object.hasOwn(fields, field) ? fields[field] : ''
      return (actual === value) === (operator === '=')
    })
  }

  toString(): string {
    return this.terms.map(({ field, operator, value }) => `${field}${operator}${escaped(value)}`).join(',')
  }
}

/** What separates terms, and what a backslash takes the meaning from, is not in between. */
const TERM = /(?:[^\\,]|\\.)*\\?/gs

/**
 * Reads `a=b,c==d,e!=f`, as ParseSelector of apimachinery's pkg/fields/selector.go. There is no OR and no set.
 * @throws SelectorError
 */
export function parseFieldSelector(text: string): FieldSelector {
  const terms = (text.match(TERM) ?? []).filter((term) => term !== '')
  return new FieldSelector(terms.map((term) => parseTerm(term, text)))
}

function parseTerm(term: string, text: string): FieldTerm {
  const match = /^(.*?)(!=|==|=)(.*)$/s.exec(term)
  if (!match) throw new SelectorError(`field selector "${text}": "${term}" is not like field=value or field!=value`)
  const [, field = '', operator, value = ''] = match
  if (!/^(?:[^\\=]|\\[\\,=])*$/.test(value)) {
    throw new SelectorError(
      `field selector "${text}": in "${value}", write \\, \\= or \\\\ for a comma, an equals sign or a backslash`,
    )
  }
  return { field, operator: operator === '!=' ? '!=' : '=', value: value.replaceAll(/\\(.)/gs, '$1') }
}

function escaped(value: string): string {
  return value.replaceAll(/[\\,=]/g, '\\$&')
}
