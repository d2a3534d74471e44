import { hostname } from 'node:os'
import { fieldManagers } from '@kosmos/api'
import { EventRecorder, eventRef } from '@kosmos/kube'
import { type Log, runControllers } from '@kosmos/kube/process'
import { Scheduler } from '../scheduler.ts'
import { Webhook } from '../webhook/webhook.ts'
import type { SchedulerProcessOptions } from './options.ts'

/** Runs the scheduler until the signal aborts: probes at once, the work when it leads. */
export async function runScheduler(options: SchedulerProcessOptions, log: Log, signal: AbortSignal): Promise<void> {
  const { takeBackAfterMs, webhook: served } = options
  let webhook: Webhook | undefined
  const process = {
    component: 'scheduler',
    fieldManager: fieldManagers.scheduler,
    work: async ({ client, onReconcile, ready }, leading) => {
      const events = new EventRecorder({ client, controller: 'kosmos.io/scheduler', instance: hostname() })
      const record = (regarding: Parameters<typeof eventRef>[0], event: Parameters<EventRecorder['record']>[1]) =>
        events.record(eventRef(regarding), event)
      const scheduler = new Scheduler({ root: client, takeBackAfterMs, record, log, onReconcile })
      void scheduler.synced.then(ready)
      await Promise.all([scheduler.run(leading), webhook?.lead(leading)])
      await events.flush()
    },
    beside: async ({ client, onReconcile, ready }, signal) => {
      if (served) webhook = new Webhook({ root: client, ...served, log, onReconcile })
      else ready()
      await webhook?.run(signal, ready)
    },
  } satisfies Parameters<typeof runControllers>[0]
  await runControllers(process, options, log, signal)
}
