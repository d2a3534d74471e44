import { Agent, request } from 'node:https'
import { text } from 'node:stream/consumers'

export interface Answer {
  readonly code: number
  /** An object, or the Status that explains a refusal. */
  readonly body: { readonly message: string; readonly spec?: unknown; readonly status?: unknown }
}

export interface ApiServer {
  send(method: string, path: string, body?: unknown, contentType?: string, accept?: string): Promise<Answer>
  close(): void
}

/** Plain requests to an API server, for tests that compare with what it says. */
export function apiServer(cluster: {
  readonly server: string
  readonly ca: string
  readonly adminToken: string
}): ApiServer {
  const agent = new Agent({ ca: cluster.ca, keepAlive: true })
  const authorization = `Bearer ${cluster.adminToken}`
  return {
    close: () => agent.destroy(),
    send: (method, path, body, contentType = 'application/json', accept = 'application/json') =>
      new Promise((resolve, reject) => {
        const options = { agent, method, headers: { authorization, accept, 'content-type': contentType } }
        const outgoing = request(new URL(path, cluster.server), options, (response) => {
          text(response)
            .then((content) => resolve({ code: response.statusCode ?? 0, body: answerOf(content) }))
            .catch(reject)
        })
        outgoing.on('error', reject).end(body === undefined ? undefined : JSON.stringify(body))
      }),
  }
}

/** An API server that does not know a kind yet answers in plain text. */
function answerOf(content: string): Answer['body'] {
  try {
    return JSON.parse(content)
  } catch {
    return { message: content }
  }
}
