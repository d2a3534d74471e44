import type { KubeObject } from '@kosmos/kube'

/** In place of what is left out. */
const LEFT_OUT = '[left out]'
/** Characters; shorter values are left out where they stand alone: anywhere else they would make every text unreadable. */
const SHORTEST = 4

/**
 * What a leaf said of Secrets, without anything that is in them: a policy or a webhook there may quote what it refuses, and what is
 * said ends in Events and logs, which others may read than Secrets. Values are found as they are, encoded, quoted as in JSON, and
 * line by line, and also where a text that was too long ends within one. Pure.
 */
export function withoutContents(said: string, ...secrets: readonly KubeObject[]): string {
  const values = [...new Set(secrets.flatMap(wordings))].filter((value) => value !== '')
  // The longest first: a shorter one may be a part of it.
  const found = values.filter(({ length }) => length <= said.length).sort((a, b) => b.length - a.length)
  const patterns = found.map((value) => {
    const pattern = RegExp.escape(value)
    return value.length >= SHORTEST ? pattern : `(?<![\\p{L}\\p{N}])${pattern}(?![\\p{L}\\p{N}])`
  })
  const told = patterns.length > 0 ? said.replace(new RegExp(patterns.join('|'), 'gu'), LEFT_OUT) : said
  return withoutBeginning(told, values)
}

function wordings(secret: KubeObject): readonly string[] {
  const { data = {} } = secret as KubeObject & { readonly data?: Readonly<Record<string, string>> }
  return Object.values(data).flatMap((encoded) => {
    const value = Buffer.from(encoded, 'base64').toString()
    return [encoded, value, JSON.stringify(value).slice(1, -1), ...value.split('\n').map((line) => line.trim())]
  })
}

/** Without the beginning of a value that the end of a text has cut off. */
function withoutBeginning(text: string, values: readonly string[]): string {
  if (!text.endsWith(CUT)) return text
  const whole = text.slice(0, -CUT.length)
  const lengths = values.map((value) => {
    for (let length = Math.min(value.length, whole.length); length >= SHORTEST; length--) {
      if (whole.endsWith(value.slice(0, length))) return length
    }
    return 0
  })
  const longest = Math.max(0, ...lengths)
  return longest > 0 ? `${whole.slice(0, -longest)}${LEFT_OUT}${CUT}` : text
}

/** Ends what was longer than we take (kube, connection/errors.ts). */
const CUT = '…'
