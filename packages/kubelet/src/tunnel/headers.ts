/** Headers of an upgrade, as Node's rawHeaders: names and values in turn, repeated ones repeated. */
export type RawHeaders = readonly string[]

const passed = /^(upgrade|connection|x-stream-protocol-version|sec-websocket-.*|user-agent|origin)$/i

/** What of a client's upgrade request goes on to the leaf: the negotiation, never a login or an impersonation. Pure. */
export function requestHeaders(
  client: RawHeaders,
  login: Readonly<Record<string, string | readonly string[]>>,
  host: string,
): string[] {
  const negotiation = pick(client, (name) => passed.test(name))
  for (let i = 0; i + 1 < negotiation.length; i += 2) {
    if (negotiation[i]?.toLowerCase() === 'sec-websocket-protocol')
      negotiation[i + 1] = withoutLogin(negotiation[i + 1])
  }
  return [
    'Host',
    host,
    ...negotiation,
    ...Object.entries(login).flatMap(([name, values]) => [values].flat().flatMap((value) => [name, value])),
  ]
}

/** Browsers hide a token among the subprotocols (k8s.io/apiserver's websocket authenticator). */
function withoutLogin(protocols = ''): string {
  const login = /^base64url\.bearer\.authorization\.k8s\.io\./
  return protocols
    .split(',')
    .map((protocol) => protocol.trim())
    .filter((protocol) => !login.test(protocol))
    .join(', ')
}

const refused =
  /^(content-(type|length|encoding)|retry-after|audit-id|warning|x-accepted-stream-protocol-versions|sec-websocket-.*)$/i

/** What of a refusal's headers goes back to the client: what is about the answer, no cookie, login or other place. Pure. */
export function refusalHeaders(leaf: RawHeaders): string[] {
  return pick(leaf, (name) => refused.test(name))
}

const switching = /^(upgrade|connection|x-stream-protocol-version|sec-websocket-.*)$/i

/** The head of a 101 answer, with what the leaf says of the negotiation and no more. Pure. */
export function switchingHead(statusMessage: string, leaf: RawHeaders): string {
  const headers = pick(leaf, (name) => switching.test(name))
  let head = `HTTP/1.1 101 ${statusMessage || 'Switching Protocols'}\r\n`
  for (let i = 0; i + 1 < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`
  return `${head}\r\n`
}

function pick(headers: RawHeaders, wanted: (name: string) => boolean): string[] {
  const picked: string[] = []
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const [name = '', value = ''] = headers.slice(i, i + 2)
    if (wanted(name)) picked.push(name, value)
  }
  return picked
}
