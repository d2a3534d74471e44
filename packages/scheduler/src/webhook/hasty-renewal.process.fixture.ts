import { runProcess } from '@kosmos/kube/process'
import { parseOptions } from '../process/options.ts'
import { runScheduler } from '../process/run.ts'

// A certificate is valid an hour before it is made, and is renewed after 0.7 of all its time: 3 s after it was made.
const lifetimeMs = (3_000 + 0.3 * 3600_000) / 0.7
const times = { lifetimeMs, lookAgainMs: 500, knownAfterMs: 2_000 }

// The scheduler as its main.ts runs it, with a certificate that is renewed within seconds in place of months.
await runProcess((args, env) => {
  const { webhook, ...options } = parseOptions(args, env)
  return { ...options, webhook: webhook && { ...webhook, times } }
}, runScheduler)
