/** Tells a waiting person what goes on; never on stdout, which belongs to results. */
export interface Progress {
  /** Runs the work under a title; `note` says how far it is. */
  step<T>(title: string, work: (note: (text: string) => void) => Promise<T>): Promise<T>
  /** A line that stays: something to know although nothing failed. */
  warn(text: string): void
}

export const silent: Progress = { step: (_title, work) => work(() => {}), warn() {} }

/** A line when a step begins and one for each new note: for logs and pipes. */
export function lines(write: (line: string) => void): Progress {
  return {
    async step(title, work) {
      write(`${title} ...`)
      let last = ''
      return await work((text) => {
        if (text !== last) write(`  ${text}`)
        last = text
      })
    },
    warn: (text) => write(`warning: ${text}`),
  }
}

/** The same, and which step is under way: undefined before the first. */
export function watching(progress: Progress): { readonly watched: Progress; readonly step: () => string | undefined } {
  let current: string | undefined
  const watched: Progress = {
    step(title, work) {
      current = title
      return progress.step(title, work)
    },
    warn: (text) => progress.warn(text),
  }
  return { watched, step: () => current }
}
