import { readdir, readFile } from 'node:fs/promises'
import { ownVersion } from '../version/own.ts'
import type { ChartSources } from './chart.ts'

const paths = [
  'rbac/clustertree.yaml',
  'rbac/clustertree-tokens.yaml',
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
  const all = async (within: string) => {
    const names = (await readdir(new URL(within, folder))).filter((name) => name.endsWith('.yaml')).sort()
    return Object.fromEntries(await Promise.all(names.map((name) => read(`${within}${name}`))))
  }
  return {
    version: ownVersion(),
    crds: await all('crds/'),
    mcs: await all('mcs/'),
    manifests: Object.fromEntries(await Promise.all(paths.map(read))),
  }
}
