import { LabelSelector } from './label-selector.ts'
import { type Operator, type Requirement, requirement, SelectorError } from './requirement.ts'

const TOKEN = /[ \t\r\n]*(==|!=|[=!(),><]|[^ \t\r\n=!(),><]+)/gy
const WORD = /^[^=!(),><]/

const OPERATORS: Readonly<Record<string, Operator>> = {
  '=': 'In',
  '==': 'In',
  in: 'In',
  '!=': 'NotIn',
  notin: 'NotIn',
  '>': 'Gt',
  '<': 'Lt',
}

/**
 * Reads `a=b,c in (d,e),!f,g notin (h),i>5`, by the grammar of Parse in apimachinery's pkg/labels/selector.go. Empty text
 * selects everything.
 * @throws SelectorError
 */
export function parseLabelSelector(text: string): LabelSelector {
  const tokens = new Tokens(text)
  const requirements: Requirement[] = []
  while (tokens.next !== undefined) {
    requirements.push(parseRequirement(tokens))
    if (tokens.next === undefined) break
    tokens.expect(',')
    if (tokens.next === undefined) throw tokens.unexpected('a label after ","')
  }
  return new LabelSelector(requirements)
}

function parseRequirement(tokens: Tokens): Requirement {
  if (tokens.take('!')) return requirement(tokens.word('a label'), 'DoesNotExist')
  const key = tokens.word('a label')
  if (tokens.next === undefined || tokens.next === ',') return requirement(key, 'Exists')
  const sign = tokens.next
  const operator = Object.hasOwn(OPERATORS, sign) ? OPERATORS[sign] : undefined
  if (operator === undefined) throw tokens.unexpected('one of =, ==, !=, in, notin, >, <')
  tokens.take(sign)
  const values = sign === 'in' || sign === 'notin' ? parseList(tokens) : [parseValue(tokens)]
  return requirement(key, operator, values)
}

function parseValue(tokens: Tokens): string {
  return tokens.next === undefined || tokens.next === ',' ? '' : tokens.word('a value')
}

/** `(a,,b)`: between two commas stands the empty value. */
function parseList(tokens: Tokens): string[] {
  tokens.expect('(')
  const values = new Set<string>()
  do {
    values.add(tokens.next === ',' || tokens.next === ')' ? '' : tokens.word('a value'))
  } while (tokens.take(','))
  tokens.expect(')')
  return [...values]
}

class Tokens {
  readonly #text: string
  readonly #tokens: string[] = []
  #position = 0

  constructor(text: string) {
    this.#text = text
    for (const match of text.matchAll(TOKEN)) if (match[1]) this.#tokens.push(match[1])
  }

  /** The token to come; undefined at the end. */
  get next(): string | undefined {
    return this.#tokens[this.#position]
  }

  take(token: string): boolean {
    if (this.next !== token) return false
    this.#position++
    return true
  }

  expect(token: string): void {
    if (!this.take(token)) throw this.unexpected(`"${token}"`)
  }

  /** A key or a value, which may be called "in" as well. */
  word(what: string): string {
    const token = this.next
    if (token === undefined || !WORD.test(token)) throw this.unexpected(what)
    this.#position++
    return token
  }

  unexpected(wanted: string): SelectorError {
    const found = this.next === undefined ? 'the end' : `"${this.next}"`
    return new SelectorError(`label selector "${this.#text}": found ${found}, expected ${wanted}`)
  }
}
