import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually, type Host, type Network } from './network.fixture.ts'

export interface Pings {
  readonly child: ChildProcess
  text(): string
}

/** A hundred pings a second. */
export function startPings(network: Network, host: Host, address: string): Pings {
  const child = network.start(host, ['ping', '-D', '-i', '0.01', address])
  let text = ''
  child.stdout?.on('data', (chunk) => {
    text += chunk
  })
  return { child, text: () => text }
}

/**
 * Waits until a hundred answers have come after what was just cut, and returns the longest time without one, in milliseconds:
 * to be told, and not asserted, since a busy machine adds to it.
 */
export async function outage(pings: Pings): Promise<number> {
  const before = pings.text().length
  await eventually('answers come again', async () => (pings.text().slice(before).match(/ttl=/g)?.length ?? 0) > 100)
  return await longestGap(pings)
}

/** Milliseconds between two answers, the most there were. */
export async function longestGap({ child, text }: Pings): Promise<number> {
  child.kill('SIGINT')
  await sleep(100)
  const times = Array.from(text().matchAll(/^\[(\d+\.\d+)\].*icmp_seq/gm), ([, seconds]) => Number(seconds) * 1000)
  assert(times.length > 100, text())
  return Math.round(Math.max(...times.slice(1).map((time, index) => time - (times[index] ?? 0))))
}

/** How many had no answer, when there have been a hundred; those that were on their way at the end do not count. */
export async function lostPings({ child, text }: Pings): Promise<number> {
  const answers = () => new Set(Array.from(text().matchAll(/icmp_seq=(\d+) ttl/g), ([, number]) => Number(number)))
  // On a busy machine a hundred take longer than a second.
  await eventually('there are answers', async () => answers().size > 100)
  child.kill('SIGINT')
  await sleep(100)
  const answered = answers()
  return Math.max(...answered) - answered.size
}
