/** What a session of exec or attach carries. */
export interface StreamOptions {
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
  readonly tty: boolean
  readonly command: readonly string[]
}

export type ParsedStreamOptions =
  | { readonly ok: true; readonly options: StreamOptions }
  | { readonly ok: false; readonly code: 400; readonly text: string }

/** Reads the query of `/exec` and `/attach`: NewOptions in k8s.io/cri-streaming. With a tty there is no stderr. Pure. */
export function parseStreamOptions(query: URLSearchParams): ParsedStreamOptions {
  const on = (name: string) => query.get(name) === '1'
  const tty = on('tty')
  const options = {
    stdin: on('input'),
    stdout: on('output'),
    stderr: on('error') && !tty,
    tty,
    command: query.getAll('command'),
  }
  if (!options.stdin && !options.stdout && !options.stderr) {
    return { ok: false, code: 400, text: 'you must specify at least 1 of stdin, stdout, stderr' }
  }
  return { ok: true, options }
}

/** The query of the leaf's `pods/<name>/exec` or `/attach` for the same. Pure. */
export function streamQuery(container: string, options: StreamOptions): string {
  const query = new URLSearchParams({ container })
  for (const stream of ['stdin', 'stdout', 'stderr', 'tty'] as const) query.set(stream, String(options[stream]))
  for (const part of options.command) query.append('command', part)
  return query.toString()
}
