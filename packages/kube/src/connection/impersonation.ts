import type { OutgoingHttpHeaders } from 'node:http'
import type { KubeConfig } from '@kubernetes/client-node'

type User = NonNullable<ReturnType<KubeConfig['getCurrentUser']>>

/** What a user of a kubeconfig says of impersonation beside `as`, which is all that client-node keeps of it. */
interface Raw {
  readonly groups?: unknown
  readonly uid?: unknown
  readonly extra?: unknown
}

interface Impersonating extends User {
  readonly impersonation?: Raw
}

/** A user of a kubeconfig as it is written there. */
export interface WrittenUser {
  readonly name?: unknown
  readonly user?: Readonly<Record<string, unknown>> | null
}

/** Keeps with the users of a loaded kubeconfig what client-node drops. */
export function keepImpersonation(config: KubeConfig, written: readonly WrittenUser[]): void {
  for (const { name, user } of written) {
    const loaded = config.getUsers().find((one) => one.name === name)
    const impersonation: Raw = { groups: user?.['as-groups'], uid: user?.['as-uid'], extra: user?.['as-user-extra'] }
    if (loaded && Object.values(impersonation).some(isSaid)) Object.assign(loaded, { impersonation })
  }
}

/** Why the API server cannot be asked as whom the user says; undefined: it can. Pure. */
export function impersonationProblem(user: User): string | undefined {
  const { impersonateUser, impersonation: { groups, uid, extra } = {} } = user as Impersonating
  const wrong = [
    ...(isSaid(impersonateUser) && !isText(impersonateUser) ? ['as'] : []),
    ...(isSaid(uid) && !isText(uid) ? ['as-uid'] : []),
    ...(isSaid(groups) && !isTexts(groups) ? ['as-groups'] : []),
    ...(isSaid(extra) && !isExtra(extra) ? ['as-user-extra'] : []),
  ]
  if (wrong.length > 0)
    return `${wrong.join(', ')} is not as kubectl has it (text, as-groups a list of it), or has odd characters`
  // As in client-go: ignoring them would act as somebody else than was meant.
  if (!impersonateUser && [groups, uid, extra].some(isSaid)) return 'as-uid, as-groups and as-user-extra need "as"'
  return undefined
}

/** The headers by which an API server is asked as somebody else (`Impersonate-*`), but for the user, which client-node sends. Pure. */
export function impersonationHeaders(user: User | null): Readonly<Record<string, string | string[]>> {
  const { groups, uid, extra } = (user as Impersonating | null)?.impersonation ?? {}
  return {
    ...(isText(uid) && { 'Impersonate-Uid': uid }),
    ...(isTexts(groups) && { 'Impersonate-Group': [...groups] }),
    ...(isExtra(extra) &&
      Object.fromEntries(
        Object.entries(extra).map(([key, values]) => [`Impersonate-Extra-${escaped(key)}`, [...values]]),
      )),
  }
}

/**
 * The login headers for a request with headers of its own: where these name a user, nothing is left of whom the kubeconfig names, for
 * groups of one are no groups of the other. Pure.
 */
export function loginBeside(
  own: Readonly<Record<string, string>> | undefined,
  login: OutgoingHttpHeaders,
): OutgoingHttpHeaders {
  if (own?.['Impersonate-User'] === undefined) return login
  return Object.fromEntries(Object.entries(login).filter(([name]) => !/^impersonate-/i.test(name)))
}

/** Whether a header is sent more than once: HTTP/2 by undici joins the values with a comma, and makes one group of two. */
export function isRepeated(headers: Readonly<Record<string, string | string[]>>): boolean {
  return Object.values(headers).some((values) => Array.isArray(values) && values.length > 1)
}

/** `null` and what is empty say nothing, as in client-go. */
const isSaid = (value: unknown): boolean =>
  value !== undefined &&
  value !== null &&
  value !== '' &&
  !(typeof value === 'object' && Object.keys(value).length === 0)

/** What may stand in a header. */
const isText = (value: unknown): value is string => typeof value === 'string' && /^[\x20-\x7e]+$/.test(value)
const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.length > 0 && value.every(isText)
const isExtra = (value: unknown): value is Readonly<Record<string, readonly string[]>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isTexts)

/** As client-go has it (headerKeyEscape of k8s.io/client-go transport): what may not be in the name of a header, and `%`. */
function escaped(key: string): string {
  return [...Buffer.from(key.toLowerCase(), 'utf8')]
    .map((byte) => {
      const character = String.fromCharCode(byte)
      return /[!#$&'*+.^_`|~0-9a-z-]/.test(character)
        ? character
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
    })
    .join('')
}
