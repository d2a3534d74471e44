/** Tells a waiting person what is going on; never on stdout, which belongs to results. */
export interface Progress {
  /** A line that stays: something began or ended. */
  step(text: string): void
  /** A passing state, e.g. `kube-apiserver 312/1450 packages, about 3 min`. May be called often. */
  update(text: string): void
}

export const silent: Progress = { step() {}, update() {} }

/** On a terminal, updates overwrite each other; in a log, at most one is written each 15 s. */
export function progressOn(stream: NodeJS.WriteStream, now: () => number = Date.now): Progress {
  const started = now()
  const stamp = (): string => `[${((now() - started) / 1000).toFixed(0).padStart(3)} s]`
  let transient = false
  let lastUpdate = 0
  return {
    step(text) {
      stream.write(`${transient ? '\r\x1b[K' : ''}${stamp()} ${text}\n`)
      transient = false
    },
    update(text) {
      if (stream.isTTY) {
        stream.write(`\r\x1b[K${stamp()} ${text.slice(0, Math.max(20, (stream.columns ?? 80) - 10))}`)
        transient = true
      } else if (now() - lastUpdate >= 15_000) {
        lastUpdate = now()
        stream.write(`${stamp()} ${text}\n`)
      }
    },
  }
}
