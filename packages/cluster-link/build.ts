import { bundleProcess } from '@kosmos/kube/build'

/** Bundles the scheduler into one file. */
export async function bundleScheduler(outfile: string): Promise<void> {
  await bundleProcess(`${import.meta.dirname}/src/main.ts`, outfile)
}

if (import.meta.main) await bundleScheduler(process.argv[2] ?? `${import.meta.dirname}/dist/scheduler.mjs`)
