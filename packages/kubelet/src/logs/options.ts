/** How container logs are wanted: v1.PodLogOptions without what only an API server looks at. */
export interface LogOptions {
  readonly follow: boolean
  readonly previous: boolean
  readonly timestamps: boolean
  /** 64-bit integers are kept as they were sent. */
  readonly tailLines?: string
  readonly limitBytes?: string
  readonly sinceSeconds?: string
  /** RFC 3339. */
  readonly sinceTime?: string
  readonly stream: 'All' | 'Stdout' | 'Stderr'
}

export type ParsedLogOptions =
  | { readonly ok: true; readonly options: LogOptions }
  | { readonly ok: false; readonly code: 400 | 422; readonly text: string }

const unreadable = { ok: false, code: 400, text: '{"message": "Unable to decode query."}' } as const
const invalid = { ok: false, code: 422, text: '{"message": "Invalid request."}' } as const

/**
 * Reads the query of `/containerLogs` as a kubelet does, with its answers to what is wrong: getContainerLogs in
 * pkg/kubelet/server/server.go, the query conversions of apimachinery, ValidatePodLogOptions. Parameters that it does
 * not know are ignored. Pure.
 */
export function parseLogOptions(query: URLSearchParams): ParsedLogOptions {
  const tail = query.get('tail') ?? ''
  const tailLines = tail === '' ? integer(query.get('tailLines')) : tail === 'all' ? undefined : integer(tail)
  const limitBytes = integer(query.get('limitBytes'))
  const sinceSeconds = integer(query.get('sinceSeconds'))
  const sinceTime = time(query.get('sinceTime'))
  if (tailLines === null || limitBytes === null || sinceSeconds === null || sinceTime === null) return unreadable

  const stream = query.get('stream') ?? 'All'
  const wrong =
    (tailLines !== undefined && BigInt(tailLines) < 0n) ||
    (limitBytes !== undefined && BigInt(limitBytes) < 1n) ||
    (sinceSeconds !== undefined && (query.has('sinceTime') || BigInt(sinceSeconds) < 1n))
  if (wrong || !isStream(stream) || (stream !== 'All' && tailLines !== undefined)) return invalid

  return {
    ok: true,
    options: {
      follow: truth(query.get('follow')),
      previous: truth(query.get('previous')),
      timestamps: truth(query.get('timestamps')),
      stream,
      ...(tailLines !== undefined && { tailLines }),
      ...(limitBytes !== undefined && { limitBytes }),
      ...(sinceSeconds !== undefined && { sinceSeconds }),
      ...(sinceTime !== undefined && { sinceTime }),
    },
  }
}

/** The query of the leaf's `pods/<name>/log` for the same. Pure. */
export function logQuery(container: string, options: LogOptions): string {
  const { follow, previous, timestamps, tailLines, limitBytes, sinceSeconds, sinceTime, stream } = options
  const query = new URLSearchParams({
    container,
    ...(follow && { follow: 'true' }),
    ...(previous && { previous: 'true' }),
    ...(timestamps && { timestamps: 'true' }),
    ...(tailLines !== undefined && { tailLines }),
    ...(limitBytes !== undefined && { limitBytes }),
    ...(sinceSeconds !== undefined && { sinceSeconds }),
    ...(sinceTime !== undefined && { sinceTime }),
    // An API server before 1.32 refuses the parameter, whatever its value.
    ...(stream !== 'All' && { stream }),
  })
  return query.toString()
}

function isStream(value: string): value is LogOptions['stream'] {
  return value === 'All' || value === 'Stdout' || value === 'Stderr'
}

/** Everything but 0 and false is true, also an empty value (Convert_Slice_string_To_bool). */
function truth(value: string | null): boolean {
  return value !== null && value !== '0' && value.toLowerCase() !== 'false'
}

/** Undefined if absent, null if it is no 64-bit integer (strconv.ParseInt). */
function integer(value: string | null): string | undefined | null {
  if (value === null) return undefined
  if (!/^[+-]?\d{1,30}$/.test(value)) return null
  const number = BigInt(value.replace('+', ''))
  return BigInt.asIntN(64, number) === number ? String(number) : null
}

/** Undefined if absent, empty or JSON's null (old clients); null if it is not RFC 3339. */
function time(value: string | null): string | undefined | null {
  if (value === null || value === '' || value === 'null') return undefined
  const rfc3339 = /^\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d([.,]\d+)?(Z|[+-]\d\d:\d\d)$/
  return rfc3339.test(value) && !Number.isNaN(Date.parse(value.replace(',', '.'))) ? value : null
}
