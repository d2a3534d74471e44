import { build } from 'esbuild'

/**
 * How Node is started for a bundle. Both measured: docs/benchmarks.md, "Memory or CPU".
 */
export const nodeFlags = {
  /**
   * For a process that sees every change of every pod: most of what it makes is dropped at once, and what stays is replaced
   * soon, so room for young objects and rarer full collections save a tenth of its CPU for 30 MiB.
   */
  manyChanges: ['--max-semi-space-size=16', '--heap-growing-percent=60'],
  /** For a process that sees few changes, or of which each node has one. */
  littleMemory: ['--max-semi-space-size=8', '--heap-growing-percent=25'],
} as const

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
