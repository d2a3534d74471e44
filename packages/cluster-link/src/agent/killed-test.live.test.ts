import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, it } from 'node:test'
import { eventually, unlessRoot } from './network.fixture.ts'

const module = (name: string) => JSON.stringify(join(import.meta.dirname, name))

/** A test with both programs that live in sessions of their own; it tells where its folder is. */
const test = `
  import { apply } from ${module('kernel.fixture.ts')}
  import { loadIpsecKey } from ${module('ipsec/key.ts')}
  import { hostOf, startNetwork } from ${module('network.fixture.ts')}
  import { ipsecSpec, secureSpec } from ${module('node-config.fixture.ts')}
  import { loadKeyPair } from ${module('wireguard/key.ts')}
  const network = await startNetwork({ a: ['192.0.2.1/24'], b: ['192.0.2.2/24'] })
  const [a, b] = [hostOf(network, 'a'), hostOf(network, 'b')]
  const wireGuard = async ({ stateDir }, number) => ({ number, publicKey: (await loadKeyPair(stateDir)).publicKey })
  const ipsec = async ({ stateDir }, number) => ({ number, ipsecPublicKey: (await loadIpsecKey(stateDir)).publicKey })
  await apply(a, secureSpec(await wireGuard(a, 1), [await wireGuard(b, 2)]))
  await apply(b, ipsecSpec(await ipsec(b, 2), [await ipsec(a, 1)]))
  console.log(a.stateDir)
  setInterval(() => {}, 1000)`

/** Names of the programs that run for a test with this folder. */
function programsOf(dir: string): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
      return environment.includes(`KOSMOS_TESTBED_DIR=${dir}`) ? [readFileSync(`/proc/${pid}/comm`, 'utf8').trim()] : []
    } catch {
      return []
    }
  })
}

describe('a test of the kernel that is killed with -9', { skip: unlessRoot }, () => {
  it('leaves no process, no network namespace and no folder', async () => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', test], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
    const dir = dirname(line)
    const running = programsOf(dir)
    // wireguard-go as well, where the kernel has no WireGuard.
    assert.ok(running.includes('charon-systemd'), running.join())
    child.kill('SIGKILL')
    // A network namespace lasts as long as a process in it.
    await eventually('its programs are gone', async () => programsOf(dir).length === 0)
    await eventually('its folder is gone', async () => !existsSync(dir))
  })
})
