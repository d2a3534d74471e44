import { createConnection } from 'node:net'
import { decodeMessage, encodeMessage, named, type ViciMessage } from './vici-message.ts'

const packet = { request: 0, response: 1, unknown: 2, register: 3, confirm: 5, event: 7 } as const

const answerTimeoutMs = 10_000

/** strongSwan refused what it was asked for. */
export class ViciRefused extends Error {
  constructor(command: string, reason: string) {
    super(`strongSwan, ${command}: ${reason}`)
    this.name = 'ViciRefused'
  }
}

/** A request of the daemon behind a socket; `stream` names the events in which the answer of listing commands comes. */
export interface ViciRequest {
  readonly command: string
  readonly message?: ViciMessage
  readonly stream?: string
}

/** Makes requests one after the other. @returns the events of each, or its answer alone */
export function askVici(socket: string, requests: readonly ViciRequest[]): Promise<ViciMessage[][]> {
  return new Promise((resolve, reject) => {
    const connection = createConnection(socket)
    const answers: ViciMessage[][] = []
    let streamed: ViciMessage[] = []
    let unread = Buffer.alloc(0)
    const end = (settle: () => void) => {
      connection.destroy()
      settle()
    }
    const send = (bytes: Buffer) => {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(bytes.length)
      connection.write(Buffer.concat([length, bytes]))
    }
    const command = ({ command, message = {} }: ViciRequest) =>
      send(Buffer.concat([named(packet.request, command), encodeMessage(message)]))
    const next = () => {
      const request = requests[answers.length]
      if (!request) return end(() => resolve(answers))
      if (request.stream === undefined) command(request)
      else send(named(packet.register, request.stream))
    }
    const receive = (bytes: Buffer) => {
      const request = requests[answers.length]
      const kind = bytes[0]
      if (!request) return
      if (kind === packet.confirm) return command(request)
      if (kind === packet.event) {
        streamed.push(decodeMessage(bytes.subarray(2 + (bytes[1] ?? 0))))
        return
      }
      if (kind !== packet.response) return end(() => reject(new ViciRefused(request.command, 'it does not know that')))
      const answer = decodeMessage(bytes.subarray(1))
      if (answer.success === 'no')
        return end(() => reject(new ViciRefused(request.command, `${answer.errmsg ?? 'it failed'}`)))
      answers.push(request.stream === undefined ? [answer] : streamed)
      streamed = []
      next()
    }
    connection.setTimeout(answerTimeoutMs, () => connection.destroy(new Error(`${socket} does not answer`)))
    connection.on('error', reject)
    connection.on('connect', next)
    connection.on('close', () => reject(new Error(`${socket} was closed`)))
    connection.on('data', (chunk: Buffer) => {
      unread = Buffer.concat([unread, chunk])
      while (unread.length >= 4 && unread.length >= 4 + unread.readUInt32BE()) {
        const length = unread.readUInt32BE()
        const bytes = unread.subarray(4, 4 + length)
        unread = unread.subarray(4 + length)
        receive(bytes)
      }
    })
  })
}

/** Whether nobody listens there. */
export function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ECONNREFUSED'].includes((error as NodeJS.ErrnoException).code ?? '')
}
