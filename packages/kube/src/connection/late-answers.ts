import { subscribe } from 'node:diagnostics_channel'
import { type ClientHttp2Stream, constants } from 'node:http2'

/**
 * An answer may come to a request that was given up while its body was being sent: the server is not told of it then. Node makes a
 * stream of such an answer that no client knows (`onSessionHeaders`, lib/internal/http2/core.js), and whose error, when the
 * connection ends, nobody hears: that would end the process. Pushed streams would come like this, too; clients refuse them.
 */
export function cancelLateAnswers(): void {
  subscribe('http2.client.stream.created', cancel)
}

function cancel(message: unknown): void {
  const { stream } = message as { readonly stream: ClientHttp2Stream }
  if (stream.sentHeaders !== undefined) return
  stream.on('error', () => {})
  stream.close(constants.NGHTTP2_CANCEL)
}
