import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { EnvHttpProxyAgent, fetch } from 'undici'

/** There was no answer: no network, no such host, or nobody listens. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable'
}

export interface Fetcher {
  /** The text at a URL. @throws Unreachable, or an Error for a status other than 200 */
  text(url: string): Promise<string>
  /** Writes what is at a URL to a file and resolves with its SHA-256; `onProgress` gets bytes so far and in all. */
  save(url: string, file: string, onProgress: (done: number, total: number | undefined) => void): Promise<string>
  close(): Promise<void>
}

/** HTTP downloads; honours HTTPS_PROXY and NO_PROXY. A server that does not answer a connect counts as unreachable. */
export function createFetcher(connectTimeoutMs = 3000): Fetcher {
  const dispatcher = new EnvHttpProxyAgent({
    connect: { timeout: connectTimeoutMs },
    headersTimeout: 20_000,
    bodyTimeout: 30_000,
  })
  const get = async (url: string) => {
    const response = await fetch(url, { dispatcher, redirect: 'follow' }).catch((error: unknown) => {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
      throw new Unreachable(
        `${new URL(url).host} cannot be reached (${cause instanceof Error ? cause.message : cause})`,
        {
          cause,
        },
      )
    })
    if (response.status === 200 && response.body)
      return { ...response, status: 200, body: response.body, headers: response.headers }
    await response.body?.cancel()
    throw new Error(`${url} answers ${response.status}`)
  }
  return {
    async text(url) {
      const chunks: Uint8Array[] = []
      for await (const chunk of (await get(url)).body) chunks.push(chunk as Uint8Array)
      return Buffer.concat(chunks).toString('utf8')
    },
    async save(url, file, onProgress) {
      const { body, headers } = await get(url)
      const length = headers.get('content-length')
      const hash = createHash('sha256')
      let done = 0
      const meter = new Transform({
        transform(chunk: Buffer, _encoding, next) {
          hash.update(chunk)
          done += chunk.length
          onProgress(done, length === null ? undefined : Number(length))
          next(null, chunk)
        },
      })
      await pipeline(Readable.fromWeb(body), meter, createWriteStream(file))
      return hash.digest('hex')
    },
    close: () => dispatcher.destroy(),
  }
}
