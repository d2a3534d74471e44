import { Agent, request } from 'undici'

/** What a port answers, over TLS by a certificate that is not verified. */
export async function askPort(
  url: string | URL,
  { token, method = 'GET' }: { readonly token?: string | undefined; readonly method?: 'GET' | 'HEAD' | 'POST' } = {},
): Promise<{ readonly code: number; readonly text: string }> {
  // One connection each: those that are kept have timers, which meet the mocked ones of tests that follow.
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false } })
  try {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const { statusCode, body } = await request(url, { dispatcher, method, headers })
    return { code: statusCode, text: await body.text() }
  } finally {
    await dispatcher.close()
  }
}
