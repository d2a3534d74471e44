import { request as requestPlain } from 'node:http'
import { request as requestTls } from 'node:https'
import type { Connection } from '@kosmos/kube'

/**
 * How far the clock of the API server's machine is ahead of ours, in ms, by the Date header (RFC 9110, whole seconds).
 * Undefined if it cannot be told, for example because a proxy drops the header.
 */
export async function clockOffsetMs(connection: Connection, now: () => number = Date.now): Promise<number | undefined> {
  const options = await connection.upgradeOptions('/version')
  const request = options.protocol === 'http:' ? requestPlain : requestTls
  return await new Promise((resolve) => {
    const started = now()
    const call = request({ ...options, method: 'GET', agent: options.agent ?? false, timeout: 5_000 }, (response) => {
      response.resume()
      const ours = (started + now()) / 2
      const theirs = Date.parse(response.headers.date ?? '')
      // The header names the second that was passed last: half a second later is the best guess.
      resolve(Number.isNaN(theirs) ? undefined : theirs + 500 - ours)
    })
    call.on('timeout', () => call.destroy())
    call.on('error', () => resolve(undefined))
    call.end()
  })
}
