import { readFileSync } from 'node:fs'
import { get as httpGet } from 'node:http'
import { get as httpsGet } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import type { HealthProbe } from './journal.ts'

/** Asks once; a refused connection, a wrong certificate and any status but 200 all mean no. */
export function isHealthy(probe: HealthProbe, timeoutMs = 2000): Promise<boolean> {
  return new Promise((resolve) => {
    const get = probe.url.startsWith('https:') ? httpsGet : httpGet
    const ca = probe.caFile ? { ca: readFileSync(probe.caFile) } : {}
    const request = get(probe.url, { ...ca, agent: false, timeout: timeoutMs }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(false))
    request.on('close', () => resolve(false))
  })
}

/** Polls until the probe says yes; gives up with false after the time-out, or as soon as `alive` says no. */
export async function becomesHealthy(probe: HealthProbe, alive: () => boolean, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs
  while (Date.now() < deadline && alive()) {
    if (await isHealthy(probe)) return true
    await sleep(50)
  }
  return false
}
