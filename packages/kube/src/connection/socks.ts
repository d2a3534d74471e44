import { SocksClient } from 'socks'
import { buildConnector } from 'undici'

/**
 * Connects through a SOCKS proxy (4, 4a, 5), which also resolves the name, and speaks TLS with the server behind it.
 * undici's own Socks5ProxyAgent cannot reach a server by IP address: it sends the address as TLS server name.
 */
export function socksConnector(
  proxy: string,
  tls: buildConnector.BuildOptions,
  timeoutMs: number,
): buildConnector.connector {
  const url = new URL(proxy)
  const secure = buildConnector({ ...tls, timeout: timeoutMs })
  const server = {
    host: bare(url.hostname),
    port: Number(url.port || 1080),
    type: url.protocol.startsWith('socks4') ? (4 as const) : (5 as const),
    ...(url.username && { userId: decodeURIComponent(url.username), password: decodeURIComponent(url.password) }),
  }
  return (options, callback) => {
    const port = Number(options.port || (options.protocol === 'https:' ? 443 : 80))
    SocksClient.createConnection({
      proxy: server,
      command: 'connect',
      destination: { host: bare(options.hostname), port },
      timeout: timeoutMs,
    }).then(
      ({ socket }) => secure({ ...options, httpSocket: socket }, callback),
      (error: Error) => callback(error, null),
    )
  }
}

/** An IPv6 address without the brackets that it has in a URL. */
function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '')
}
