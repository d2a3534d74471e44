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

const specFile = ({ stateDir }: Host): string => join(stateDir, 'spec.json')

/** A process in the network of the host, from its first moment on; it may be killed before it has done anything. */
export async function launchAgent(network: Network, host: Host, spec: NodeConfigSpec): Promise<ChildProcess> {
  await mkdir(host.stateDir, { recursive: true })
  await writeFile(specFile(host), JSON.stringify(spec))
  const program = join(import.meta.dirname, 'agent.process.fixture.ts')
  return network.start(host, [process.execPath, program, specFile(host), host.stateDir])
}

/** A process in the network of the host; resolves when it has applied what it should. */
export async function startAgent(network: Network, host: Host, spec: NodeConfigSpec): Promise<AgentProcess> {
  const child = await launchAgent(network, host, spec)
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
      await writeFile(specFile(host), JSON.stringify(next))
      generation++
      child.kill('SIGHUP')
      await eventually('the agent has applied it', async () => (last.generation ?? 0) >= generation)
    },
  }
}
