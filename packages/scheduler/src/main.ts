import { runProcess } from '@kosmos/kube/process'
import { parseOptions } from './process/options.ts'
import { runScheduler } from './process/run.ts'

await runProcess(parseOptions, runScheduler)
