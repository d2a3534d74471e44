/** A kind that a z-page can be told as. */
export interface StructuredKind {
  readonly kind: 'Statusz' | 'Flagz'
  readonly apiVersion: 'config.k8s.io/v1beta1'
}

interface Clause {
  readonly type: string
  readonly parameters: Readonly<Record<string, string>>
}

/**
 * How a z-page is told: as text, unless the client asks for the kind by name, as it asks for a Table; undefined: it takes neither.
 * Follows pkg/server/{statusz,flagz}/negotiate of k8s.io/apiserver. Pure.
 */
export function zpageForm(
  accept: string | undefined,
  { kind, apiVersion }: StructuredKind,
): 'text' | 'json' | undefined {
  if (!accept?.trim()) return 'text'
  const [group, version] = apiVersion.split('/')
  for (const { type, parameters } of clausesOf(accept)) {
    const { as, g, v } = parameters
    if (as !== undefined) {
      if (matches(type, 'application/json') && as === kind && g === group && v === version) return 'json'
    } else if (matches(type, 'text/plain')) return 'text'
  }
  return undefined
}

/** Those that the client prefers come first. */
function clausesOf(accept: string): Clause[] {
  return accept
    .split(',')
    .map((clause) => {
      const [type = '', ...parameters] = clause.split(';').map((part) => part.trim())
      return { type, parameters: Object.fromEntries(parameters.map((parameter) => parameter.split('=', 2))) }
    })
    .toSorted((a, b) => weight(b) - weight(a))
}

function weight({ parameters: { q = '1' } }: Clause): number {
  return Number(q) || 0
}

function matches(pattern: string, type: string): boolean {
  return pattern === '*/*' || pattern === type || pattern === type.replace(/\/.*/, '/*')
}
