import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A network namespace: the words before every command in it. */
export type Enter = readonly string[]

export interface Figures {
  readonly gbitPerSecond: number
  readonly rttMs: number
}

const SECONDS = 3
const PINGS = 200

export async function within(enter: Enter, script: string): Promise<string> {
  const [file = '', ...args] = enter
  return (await run(file, [...args, 'sh', '-ec', script], { maxBuffer: 2 ** 24 })).stdout
}

/** TCP by one stream, and echo requests one after the other, from one namespace to an address of the other. */
export async function measure(client: Enter, server: Enter, address: string): Promise<Figures> {
  const [file = '', ...args] = server
  const listening = spawn(file, [...args, 'iperf3', '--server', '--one-off', '--bind', address, '--forceflush'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(listening, 'exit')
  await once(listening.stdout, 'data')
  try {
    const text = await within(client, `iperf3 --client ${address} --time ${SECONDS} --omit 1 --json`)
    const { end } = JSON.parse(text) as { end: { sum_received: { bits_per_second: number } } }
    const pings = await within(client, `ping -q -c ${PINGS} -i 0.002 ${address}`)
    const [, average = 'NaN'] = /= [\d.]+\/([\d.]+)\//.exec(pings) ?? []
    return { gbitPerSecond: end.sum_received.bits_per_second / 1e9, rttMs: Number(average) }
  } finally {
    listening.kill()
    await ended
  }
}
