import { randomBytes } from 'node:crypto'
import https from 'node:https'
import type { Socket } from 'node:net'
import type { Connection } from '@kosmos/kube'

/** A session of `v5.channel.k8s.io`: messages begin with the number of their channel (KEP-4006). */
export interface ChannelSession {
  send(channel: number, text: string): void
  /** What came on a channel until the session ended. */
  received(channel: number): string
  readonly closed: Promise<void>
}

/** Opens exec or attach of an API server as kubectl does, by WebSocket (RFC 6455; messages below 64 KiB). */
export async function openChannels(connection: Connection, path: string): Promise<ChannelSession> {
  const { headers: login, ...options } = await connection.upgradeOptions(path)
  const headers = {
    ...login,
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
    'Sec-WebSocket-Protocol': 'v5.channel.k8s.io',
  }
  const [socket, head] = await new Promise<[Socket, Buffer]>((resolve, reject) => {
    const request = https.request({ ...options, headers })
    request.on('upgrade', (_message, socket: Socket, head) => resolve([socket, head]))
    request.on('response', (response) => reject(new Error(`${path}: ${response.statusCode}`)))
    request.on('error', reject)
    request.end()
  })
  const channels = new Map<number, string>()
  let pending = head
  const read = () => {
    for (;;) {
      const short = pending.length < 2 ? 0 : (pending[1] ?? 0) & 0x7f
      const at = short === 126 ? 4 : 2
      if (pending.length < at) return
      const end = at + (short === 126 ? pending.readUInt16BE(2) : short)
      if (pending.length < end) return
      const opcode = (pending[0] ?? 0) & 0xf
      const message = pending.subarray(at, end)
      pending = pending.subarray(end)
      if (opcode === 8) socket.end()
      else if (opcode <= 2 && message.length > 0) {
        const channel = message[0] ?? 0
        channels.set(channel, (channels.get(channel) ?? '') + message.toString('utf8', 1))
      }
    }
  }
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk])
    read()
  })
  socket.on('error', () => {})
  read()
  return {
    send(channel, text) {
      const message = Buffer.concat([Buffer.from([channel]), Buffer.from(text)])
      // A client has to mask; a mask of zeros leaves the bytes as they are.
      socket.write(Buffer.concat([Buffer.from([0x82, 0x80 | message.length, 0, 0, 0, 0]), message]))
    },
    received: (channel) => channels.get(channel) ?? '',
    closed: new Promise((resolve) => socket.once('close', () => resolve())),
  }
}
