export type ParsedPorts =
  | { readonly ok: true; readonly ports: readonly number[] }
  | { readonly ok: false; readonly code: 400; readonly text: string }

/**
 * Reads the ports of `/portForward`, which only a WebSocket of the first protocol names in the URL, each perhaps several
 * with commas: NewV4Options in k8s.io/cri-streaming/pkg/streaming/portforward. SPDY names them in its streams. Pure.
 */
export function parsePorts(query: URLSearchParams): ParsedPorts {
  const given = query
    .getAll('port')
    .flatMap((value) => value.split(','))
    .filter((port) => port !== '')
  const wrong = given.find((port) => !/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535)
  if (wrong !== undefined) return { ok: false, code: 400, text: `port ${JSON.stringify(wrong)} must be 1 to 65535` }
  return { ok: true, ports: given.map(Number) }
}

/** The query of the leaf's `pods/<name>/portforward` for the same. Pure. */
export function portsQuery(ports: readonly number[]): string {
  return new URLSearchParams(ports.map((port) => ['ports', String(port)])).toString()
}
