interface Side {
  /** Of a command's output, the median of several runs. */
  readonly mibPerSecond: number
  /** From the request to the first byte of output, the median of several. */
  readonly firstByteMs: number
}

/** What `npm run bench -- exec --json` prints: others read it, so its shape stays. */
export interface ExecResult {
  readonly direct: Side
  readonly tree: Side & {
    /** Resident memory of cluster-tree for each session that is open and idle. */
    readonly idleSessionKiB: number
  }
  /** Throughput through the tree ÷ straight on the leaf. */
  readonly ratio: number
}

/** A figure of each side. */
export interface Both {
  readonly direct: number
  readonly tree: number
}

export function execResult(mibPerSecond: Both, firstByteMs: Both, idleSessionKiB: number): ExecResult {
  return {
    direct: { mibPerSecond: mibPerSecond.direct, firstByteMs: firstByteMs.direct },
    tree: { mibPerSecond: mibPerSecond.tree, firstByteMs: firstByteMs.tree, idleSessionKiB },
    ratio: mibPerSecond.tree / mibPerSecond.direct,
  }
}

/** For a terminal. */
export function describeExec({ direct, tree, ratio }: ExecResult): string {
  const row = (title: string, { mibPerSecond, firstByteMs }: Side) =>
    `${title.padEnd(8)}${mibPerSecond.toFixed(0).padStart(8)}${firstByteMs.toFixed(1).padStart(16)}`
  return [
    'exec       MiB/s   first byte ms',
    row('direct', direct),
    row('tree', tree),
    `ratio ${ratio.toFixed(2)}, ${(tree.firstByteMs - direct.firstByteMs).toFixed(1)} ms added to the first byte, ${tree.idleSessionKiB.toFixed(0)} KiB for an idle session`,
  ].join('\n')
}
