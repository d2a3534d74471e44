import type { ChildProcess } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { NodeConfigSpec } from '@kosmos/api'
import { eventually, type Host, type Network } from './network.fixture.ts'
import type { Report } from './status/report.ts'

export interface AgentProcess {
  readonly process: ChildProcess
  hops(): Report['nextHops']
  report(): Report
  /** Resolves when it has applied another one. */
  want(spec: NodeConfigSpec): Promise<void>
}

/** A process in the network of the host; resolves when it has applied what it should. */
export async function startAgent(network: Network, host: Host, spec: NodeConfigSpec): Promise<AgentProcess> {
  await mkdir(host.stateDir, { recursive: true })
  const file = join(host.stateDir, 'spec.json')
  await writeFile(file, JSON.stringify(spec))
  const program = join(import.meta.dirname, 'agent.process.fixture.ts')
  const child = network.start(host, [process.execPath, program, file, host.stateDir])
  let last: Report = { nextHops: [] }
  let rest = ''
  let said = ''
  child.stderr?.on('data', (text) => {
    said = `${said}${text}`.slice(-4_000)
    if (process.env.AGENT_LOG) process.stderr.write(text)
  })
  child.stdout?.on('data', (chunk) => {
    const lines = `${rest}${chunk}`.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) last = JSON.parse(line)
  })
  await eventually('the agent has applied', async () => last.applied).catch((cause) => {
    const state = child.exitCode ?? child.signalCode ?? 'it runs'
    throw new Error(`${host.name}: the agent has not applied (${state}), and said: ${said || 'nothing'}`, { cause })
  })
  let generation = 1
  return {
    process: child,
    hops: () => last.nextHops,
    report: () => last,
    want: async (next) => {
      await writeFile(file, JSON.stringify(next))
      generation++
      child.kill('SIGHUP')
      await eventually('the agent has applied it', async () => (last.generation ?? 0) >= generation)
    },
  }
}
