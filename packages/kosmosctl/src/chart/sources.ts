import { readdir, readFile } from 'node:fs/promises'
import { ownVersion } from '../version/own.ts'
import type { ChartSources } from './chart.ts'

const paths = [
  'rbac/clustertree.yaml',
  'clustertree.yaml',
  'rbac/scheduler.yaml',
  'scheduler.yaml',
  'rbac/clusterlink.yaml',
  'clusterlink.yaml',
  'rbac/metrics-reader.yaml',
  'admission.yaml',
  'webhook.yaml',
]

/** Reads what the chart is made of. `folder`: deploy/, with a slash at the end. */
export async function chartSources(folder: URL): Promise<ChartSources> {
  const read = async (path: string) => [path, await readFile(new URL(path, folder), 'utf8')] as const
  const crds = (await readdir(new URL('crds/', folder))).filter((name) => name.endsWith('.yaml')).sort()
  return {
    version: ownVersion(),
    crds: Object.fromEntries(await Promise.all(crds.map((name) => read(`crds/${name}`)))),
    manifests: Object.fromEntries(await Promise.all(paths.map(read))),
  }
}
