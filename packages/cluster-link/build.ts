import { bundleProcess } from '@kosmos/kube/build'

/** Bundles the controllers of ClusterLink into one file. */
export async function bundleClusterLink(outfile: string): Promise<void> {
  await bundleProcess(`${import.meta.dirname}/src/main.ts`, outfile)
}

if (import.meta.main) await bundleClusterLink(process.argv[2] ?? `${import.meta.dirname}/dist/cluster-link.mjs`)
