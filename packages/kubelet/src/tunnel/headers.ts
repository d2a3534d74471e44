/** Headers of an upgrade, as Node's rawHeaders: names and values in turn, repeated ones repeated. */
export type RawHeaders = readonly string[]

const passed = /^(upgrade|connection|x-stream-protocol-version|sec-websocket-.*|user-agent|origin)$/i

/** What of a client's upgrade request goes on to the leaf: the negotiation, never a login or an impersonation. Pure. */
export function requestHeaders(client: RawHeaders, login: Readonly<Record<string, string>>, host: string): string[] {
  const negotiation = pick(client, (name) => passed.test(name))
  for (let i = 0; i + 1 < negotiation.length; i += 2) {
    if (negotiation[i]?.toLowerCase() === 'sec-websocket-protocol')
      negotiation[i + 1] = withoutLogin(negotiation[i + 1])
  }
  return ['Host', host, ...negotiation, ...Object.entries(login).flat()]
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

/** Headers that end at a hop (RFC 9110, 7.6.1) and are Node's own to write. */
const hop = /^(connection|keep-alive|transfer-encoding|te|trailer|upgrade|proxy-.*)$/i

/** What of a refusal's headers goes back to the client. Pure. */
export function refusalHeaders(leaf: RawHeaders): string[] {
  return pick(leaf, (name) => !hop.test(name))
}

/** The head of a 101 answer, byte for byte as the leaf gave it. Pure. */
export function switchingHead(statusMessage: string, leaf: RawHeaders): string {
  let head = `HTTP/1.1 101 ${statusMessage || 'Switching Protocols'}\r\n`
  for (let i = 0; i + 1 < leaf.length; i += 2) head += `${leaf[i]}: ${leaf[i + 1]}\r\n`
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
