import { runProcess } from '@kosmos/kube/process'
import { parseOptions } from './process/options.ts'
import { runClusterTree } from './process/run.ts'

await runProcess(parseOptions, runClusterTree)
