import type { KubeObject } from '@kosmos/kube'

/** In place of what is left out. */
const LEFT_OUT = '[left out]'
/** Characters; shorter values say nothing, and leaving them out would make every text unreadable. */
const SHORTEST = 4

/**
 * What a leaf said of a Secret, without anything that is in it: a policy or a webhook there may quote what it refuses, and what is
 * said ends in Events and logs, which others may read than Secrets. Values are found as they are, encoded, quoted as in JSON, and
 * line by line. Pure.
 */
export function withoutContents(said: string, secret: KubeObject): string {
  const { data = {} } = secret as KubeObject & { readonly data?: Readonly<Record<string, string>> }
  const secrets = Object.values(data).flatMap((encoded) => {
    const value = Buffer.from(encoded, 'base64').toString()
    return [encoded, value, JSON.stringify(value).slice(1, -1), ...value.split('\n').map((line) => line.trim())]
  })
  // The longest first: a shorter one may be a part of it.
  const found = [...new Set(secrets)].filter(({ length }) => length >= SHORTEST).sort((a, b) => b.length - a.length)
  return found.reduce((text, secret) => text.replaceAll(secret, LEFT_OUT), said)
}
