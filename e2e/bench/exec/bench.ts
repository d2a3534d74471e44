import { setTimeout as sleep } from 'node:timers/promises'
import type { Progress } from '@kosmos/testbed'
import { clusterTree } from '../../platform/components.ts'
import { firstByteMs, openIdle, type Target, throughput } from '../../platform/exec.ts'
import { pidOf } from '../../platform/kosmos.ts'
import { pod } from '../../platform/manifests.ts'
import { startPlatform } from '../../platform/platform.ts'
import { rssKiB } from '../process-usage.ts'
import { type Both, type ExecResult, execResult } from './result.ts'

const MIB = 256
const ROUNDS = 7
const SHORT_COMMANDS = 40
const SESSIONS = 200

/** Runs commands in one container, in turn through the leaf's API server and through the root's. Needs root. */
export async function benchExec(progress: Progress): Promise<ExecResult> {
  progress.step('starting a root and a leaf with a real node')
  const platform = await startPlatform('bench-exec', { leaves: 1, nodes: 'real:1' })
  try {
    await platform.apply(pod('target', { container: { command: ['sleep', '86400'] } }))
    const { code, stderr } = await platform.kubectl(['wait', '--for=condition=Ready', 'pod/target', '--timeout=90s'])
    if (code !== 0) throw new Error(stderr)
    const { root, leaves } = platform.testbed
    const kubectl = platform.testbed.bin.kubectl ?? 'kubectl'
    const target = (kubeconfig = ''): Target => ({ kubectl, kubeconfig, namespace: 'default', pod: 'target' })
    const sides = { direct: target(leaves[0]?.kubeconfig), tree: target(root.kubeconfig) }
    progress.step(`${ROUNDS} times ${MIB} MiB on each side`)
    const rates = await inTurn(sides, ROUNDS, (side) => throughput(side, MIB))
    progress.step(`${SHORT_COMMANDS} short commands on each side`)
    const first = await inTurn(sides, SHORT_COMMANDS, firstByteMs)
    progress.step(`${SESSIONS} idle sessions`)
    const idleSessionKiB = await idleMemory(sides.tree, pidOf(platform.testbed, clusterTree))
    return execResult(rates, first, idleSessionKiB)
  } finally {
    await platform.down()
  }
}

/** Medians of both sides, measured in turn, so that a machine that slows down slows both. The first round warms up. */
async function inTurn(
  sides: Readonly<Record<'direct' | 'tree', Target>>,
  rounds: number,
  measure: (target: Target) => Promise<number>,
): Promise<Both> {
  const found = { direct: [] as number[], tree: [] as number[] }
  for (let round = 0; round <= rounds; round++) {
    for (const side of ['direct', 'tree'] as const) {
      const figure = await measure(sides[side])
      if (round > 0) found[side].push(figure)
    }
  }
  return { direct: median(found.direct), tree: median(found.tree) }
}

async function idleMemory(target: Target, pid: number): Promise<number> {
  const before = rssKiB(pid)
  const close = await openIdle(target, SESSIONS)
  await sleep(5_000)
  const after = rssKiB(pid)
  close()
  return (after - before) / SESSIONS
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
