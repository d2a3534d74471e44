import type { Rule } from './build.ts'
import { ruleFor } from './build.ts'

/** Regular expressions that mean the same to RE2 (API server) and JavaScript, as sources for `pattern` and CEL. */
export const dnsLabelPattern = '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$'
export const dnsSubdomainPattern = '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$'
export const optionalDnsSubdomainPattern = `^$|${dnsSubdomainPattern}`
export const secretKeyPattern = '^[-._a-zA-Z0-9]+$'
export const labelValuePattern = '^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$'
/** A resource.Quantity that is not negative, without exponents. */
export const amountPattern = '^[0-9]{1,18}(\\.[0-9]{1,9})?(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$'
/** Scheme, host and perhaps a port; an IPv6 address in brackets. */
export const httpsOriginPattern =
  '^https://([A-Za-z0-9]([-.A-Za-z0-9]*[A-Za-z0-9])?|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{1,5})?$'
/** An optional DNS prefix with a slash, then a name. */
export const labelKeyPattern =
  '^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$'
export const labelKeyMaxLength = 253 + 1 + 63
/**
 * RFC 3339, as metav1.Time is written. A pattern and not `format: date-time`, since a field with a format lets lists
 * through on the API server (seen with `byte` and `date-time`, Kubernetes 1.37).
 */
export const timePattern =
  '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$'
/** From 1h to 99999h. */
export const hoursPattern = '^[1-9][0-9]{0,4}h$'
/** Standard alphabet with padding, RFC 4648 section 4; no `format: byte`, for the same reason. */
export const base64Pattern = '^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$'

const meanings: ReadonlyMap<string, string> = new Map([
  [dnsLabelPattern, "a DNS label: lower case letters, digits and '-', with a letter or digit at both ends"],
  [
    dnsSubdomainPattern,
    "a DNS subdomain: lower case letters, digits, '-' and '.', with a letter or digit at both ends",
  ],
  [optionalDnsSubdomainPattern, "empty or a DNS subdomain: lower case letters, digits, '-' and '.'"],
  [labelValuePattern, "a label value: letters, digits, '-', '_' and '.', with a letter or digit at both ends"],
  [labelKeyPattern, "a label key: an optional DNS subdomain and '/', then letters, digits, '-', '_' and '.'"],
  [amountPattern, 'a quantity such as 500m, 2 or 1Gi'],
  [httpsOriginPattern, 'a URL of scheme, host and port alone, such as https://root.example.org:6443'],
  [timePattern, 'an RFC 3339 time such as 2026-11-25T00:00:00Z'],
  [hoursPattern, 'whole hours such as 720h, one at least'],
  [base64Pattern, 'base64'],
  [secretKeyPattern, "a key of a Secret: letters, digits, '-', '_' and '.'"],
])

/** What a string has to be to match a pattern, to follow "must be". */
export function meaningOf(pattern: string): string {
  return meanings.get(pattern) ?? `a match of ${pattern}`
}

const labelKey = new RegExp(labelKeyPattern)

/** JSON Schema cannot say anything about the keys of a map in a CRD. */
export const labelKeysRule: Rule = ruleFor<Record<string, unknown>>({
  cel: `self.all(key, key.size() <= ${labelKeyMaxLength} && key.matches(r'${labelKeyPattern}'))`,
  message: 'every key must be a label key: an optional DNS subdomain and a slash, then letters, digits, -, _ and .',
  check: (self) => Object.keys(self).every((key) => key.length <= labelKeyMaxLength && labelKey.test(key)),
})
