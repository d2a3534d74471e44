import { bundleProcess } from '@kosmos/kube/build'

/** Bundles cluster-tree into one file. */
export async function bundleClusterTree(outfile: string): Promise<void> {
  await bundleProcess(`${import.meta.dirname}/src/main.ts`, outfile)
}

if (import.meta.main) await bundleClusterTree(process.argv[2] ?? `${import.meta.dirname}/dist/cluster-tree.mjs`)
