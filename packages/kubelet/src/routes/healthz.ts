import type { ServerResponse } from 'node:http'
import { send } from '../answer.ts'
import type { RouteParams } from './params.ts'

/** GET /healthz: that this answers is all there is to say; the leaf's health is the Node's condition. */
export async function healthz(_params: RouteParams, _query: URLSearchParams, response: ServerResponse): Promise<void> {
  send(response, { code: 200, text: 'ok' })
}
