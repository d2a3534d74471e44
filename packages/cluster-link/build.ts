import { bundleProcess } from '@kosmos/kube/build'

/** Bundles the controllers of ClusterLink into one file. */
export async function bundleClusterLink(outfile: string): Promise<void> {
  await bundleProcess(`${import.meta.dirname}/src/main.ts`, outfile)
}

/** Bundles the agent of a node into one file. */
export async function bundleLinkAgent(outfile: string): Promise<void> {
  await bundleProcess(`${import.meta.dirname}/src/agent-main.ts`, outfile)
}

if (import.meta.main) {
  const dist = `${import.meta.dirname}/dist`
  await bundleClusterLink(process.argv[2] ?? `${dist}/cluster-link.mjs`)
  await bundleLinkAgent(process.argv[3] ?? `${dist}/link-agent.mjs`)
}
