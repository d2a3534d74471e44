import { rmSync } from 'node:fs'
import { undo } from './cleanup.ts'
import type { Journal, ProcessEntry } from './journal.ts'
import { killStragglers, stop } from './stop.ts'

/**
 * Takes down everything that the journal of a test bed records: first all processes, newest first within a cluster and
 * clusters side by side, then the rest in reverse order, then the folder. Safe to repeat, also after a crash half-way.
 * @param graceMs caps how long a process may take to end after TERM; 0 kills at once.
 */
export async function tearDown(journal: Journal, graceMs = 2000): Promise<void> {
  const entries = journal.entries().reverse()
  const byCluster = Map.groupBy(
    entries.filter((e): e is ProcessEntry => e.kind === 'process'),
    (e) => e.spec.id.split('/')[0],
  )
  await Promise.all([...byCluster.values()].map((processes) => stopInOrder(processes, graceMs)))
  await killStragglers(journal.dir)
  for (const entry of entries) if (entry.kind !== 'process') await undo(entry)
  rmSync(journal.dir, { recursive: true, force: true })
}

async function stopInOrder(processes: readonly ProcessEntry[], graceMs: number): Promise<void> {
  for (const entry of processes) await stop(entry, Math.min(graceMs, entry.spec.stopTimeoutMs ?? graceMs))
}
