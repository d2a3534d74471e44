import type { Client } from '@kosmos/kube'
import type { Log } from '../process/log.ts'
import type { Metrics } from '../process/metrics.ts'
import type { ProcessOptions } from '../process/options.ts'
import type { Kubelets } from './kubelets.ts'

export interface ServeOptions {
  readonly root: Client
  readonly options: ProcessOptions
  readonly metrics: Metrics
  readonly log: Log
}

export async function serveKubelets(_options: ServeOptions): Promise<Kubelets> {
  return { serve: () => ({ endpoint: undefined, close: async () => {} }) }
}
