import { build } from 'esbuild'

/**
 * How Node is started for a bundle: the heap grows by a quarter instead of doubling, and young objects, most of which are
 * events that were parsed and dropped, do not spread over much memory. Measured: docs/benchmarks.md.
 */
export const nodeFlags = ['--max-semi-space-size=8', '--heap-growing-percent=25'] as const

/**
 * Bundles a process into one file that needs nothing but Node. client-node alone loads models of every kind, 90 MiB of them;
 * what is not used falls away here.
 */
export async function bundleProcess(entryPoint: string, outfile: string): Promise<void> {
  await build({
    entryPoints: [entryPoint],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    sourcemap: 'linked',
    logLevel: 'error',
    // Some dependencies are CommonJS and ask for Node's own modules by require.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  })
}
