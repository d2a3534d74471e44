import { Argument } from 'commander'
import { WrongUsage } from './failure.ts'

/** The argument of a command that {@link asked} reads: every word for a kind is offered by completion, and KIND/NAME is taken, too. */
export function kindArgument(description: string, kinds: Readonly<Record<string, string>>): Argument {
  return new Argument('<what>', description).choices(Object.keys(kinds)).argParser((text) => text)
}

/** What a command is asked about. */
export interface Asked<Kind extends string> {
  readonly kind: Kind
  readonly names: readonly string[]
}

/**
 * What is named by the words of a command, as kubectl takes them: `pods`, `pods web db`, or `pod/web pod/db`; a group after the kind
 * (`deployment.apps/web`, as `kubectl -o name` prints) is passed over. Pure.
 * @param kinds each word for a kind, and the kind
 * @throws WrongUsage with what to type instead
 */
export function asked<Kind extends string>(
  [first, ...others]: readonly [string, ...string[]],
  kinds: Readonly<Record<string, Kind>>,
): Asked<Kind> {
  if (!first.includes('/')) return { kind: kindOf(first, kinds), names: others }
  const pairs = [first, ...others].map((word) => {
    const at = word.indexOf('/')
    if (at < 0)
      throw new WrongUsage(`"${word}" comes after KIND/NAME, and has no kind`, { next: corrected(first, word) })
    return { kind: kindOf(word.slice(0, at), kinds), name: word.slice(at + 1) }
  })
  const nameless = pairs.find(({ name }) => name === '')
  if (nameless) throw new WrongUsage(`"${first}" has no name after the /`, { next: `${nameless.kind}/NAME` })
  const { kind } = pairs[0] as (typeof pairs)[number]
  const other = pairs.find((pair) => pair.kind !== kind)
  if (other) throw new WrongUsage(`${kind} and ${other.kind} at once`, { next: 'ask for one of them at a time' })
  return { kind, names: pairs.map(({ name }) => name) }
}

const corrected = (first: string, word: string) => `write ${first} ${first.slice(0, first.indexOf('/'))}/${word}`

function kindOf<Kind extends string>(word: string, kinds: Readonly<Record<string, Kind>>): Kind {
  const name = word.toLowerCase().replace(/\..*/, '')
  const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined
  if (kind !== undefined) return kind
  const known = [...new Set(Object.values(kinds))].join(', ')
  throw new WrongUsage(`"${word}" is nothing that this can be asked for`, {
    next: `the kind comes first, then the name; kinds are ${known}`,
  })
}
