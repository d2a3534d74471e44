/** A piece of a document that is well-formed already. */
export interface Xml {
  readonly xml: string
}

type Value = string | number | undefined

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}

/** What XML 1.0 has no place for: control characters, halves of surrogate pairs, U+FFFE and U+FFFF. */
const nowhere = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu

/** Text as it stands in a document, as content or within quotes. */
export function escaped(text: string): string {
  return text.replace(nowhere, '\u{FFFD}').replace(/[&<>"']/g, (one) => entities[one] ?? '')
}

/** An element; strings among its children are text. */
export function element(
  name: string,
  attributes: Readonly<Record<string, Value>>,
  ...children: readonly (Xml | string)[]
): Xml {
  const written = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [` ${key}="${escaped(typeof value === 'number' ? rounded(value) : value)}"`],
  )
  const inner = children.map((child) => (typeof child === 'string' ? escaped(child) : child.xml)).join('')
  return { xml: inner === '' ? `<${name}${written.join('')}/>` : `<${name}${written.join('')}>${inner}</${name}>` }
}

const rounded = (value: number): string => `${Math.round(value * 10) / 10}`
