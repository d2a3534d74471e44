import { runProcess } from '@kosmos/kube/process'
import { parseOptions } from './agent/process/options.ts'
import { runAgent } from './agent/process/run.ts'

await runProcess(parseOptions, runAgent)
