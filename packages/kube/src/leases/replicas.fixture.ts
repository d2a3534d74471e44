import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Use } from './replica.process.fixture.ts'

export interface Replica {
  readonly identity: string
  readonly process: ChildProcess
  /** Asks it to stop and waits until it has. */
  stop(): Promise<void>
  /** As a crash. */
  kill(): Promise<void>
}

/** Replicas in processes of their own, and everything that they did. */
export class Replicas {
  readonly uses: Use[] = []
  readonly #replicas: Replica[] = []
  readonly #mode: 'elect' | 'divide'
  readonly #kubeconfig: string
  readonly #shards: readonly string[]
  #failed: Error | undefined

  constructor(mode: 'elect' | 'divide', kubeconfig: string, shards: readonly string[] = []) {
    this.#mode = mode
    this.#kubeconfig = kubeconfig
    this.#shards = shards
  }

  start(identity: string): Replica {
    const options = JSON.stringify({ kubeconfig: this.#kubeconfig, identity, shards: this.#shards })
    const script = new URL('./replica.process.fixture.ts', import.meta.url).pathname
    const child = spawn(process.execPath, [script, this.#mode, options], { stdio: ['ignore', 'pipe', 'inherit'] })
    createInterface({ input: child.stdout }).on('line', (line) => this.uses.push(JSON.parse(line) as Use))
    child.on('close', (code) => {
      if (code) this.#failed = new Error(`replica ${identity} ended with ${code}`)
    })
    const end = async (signal: NodeJS.Signals) => {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGCONT')
      child.kill(signal)
      await once(child, 'close')
    }
    const replica = { identity, process: child, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') }
    this.#replicas.push(replica)
    return replica
  }

  /** Resolves to what `look` finds among the uses that come from now on; it is asked until it finds something. */
  async until<T>(look: (recent: readonly Use[]) => T | undefined): Promise<T> {
    const since = this.uses.length
    for (;;) {
      if (this.#failed) throw this.#failed
      const found = look(this.uses.slice(since))
      if (found !== undefined) return found
      await sleep(50)
    }
  }

  /** Who used each shard in the last half second, once there is one for each, for the shards given. */
  async owners(shards: readonly string[]): Promise<Map<string, string>> {
    return await this.until((recent) => {
      const fresh = recent.filter(({ at }) => at > Date.now() - 500)
      const owners = new Map(fresh.map(({ shard, identity }) => [shard, identity]))
      return shards.every((shard) => owners.has(shard)) ? owners : undefined
    })
  }

  async killAll(): Promise<void> {
    await Promise.all(this.#replicas.map((replica) => replica.kill()))
  }

  /** Nobody used a shard between two uses of another that belong to one term, which is to say less than 1 s apart. */
  assertExclusive(): void {
    const last = new Map<string, Use>()
    const byUser = new Map<string, number>()
    for (const use of this.uses.toSorted((a, b) => a.at - b.at)) {
      const before = last.get(use.shard)
      const own = byUser.get(`${use.shard}/${use.identity}`)
      if (before && before.identity !== use.identity && own !== undefined) {
        const [gap, other] = [use.at - own, JSON.stringify(before)]
        assert.ok(gap > 1000, `${JSON.stringify(use)} came ${gap} ms after one of its own, with ${other} in between`)
      }
      last.set(use.shard, use)
      byUser.set(`${use.shard}/${use.identity}`, use.at)
    }
  }
}
