import { bundleProcess, nodeFlags } from '@kosmos/kube/build'

/** How Node is started for it; the last one lets fast sessions of exec free their buffers. */
export const clusterTreeFlags = [...nodeFlags.manyChanges, '--expose-gc'] as const

/** Bundles cluster-tree into one file. */
export async function bundleClusterTree(outfile: string): Promise<void> {
  await bundleProcess(`${import.meta.dirname}/src/main.ts`, outfile)
}

if (import.meta.main) await bundleClusterTree(process.argv[2] ?? `${import.meta.dirname}/dist/cluster-tree.mjs`)
