import { runProcess } from '@kosmos/kube/process'
import { parseOptions } from './process/options.ts'
import { runClusterLink } from './process/run.ts'

await runProcess(parseOptions, runClusterLink)
