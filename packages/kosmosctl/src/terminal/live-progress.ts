import { Listr, ListrLogger, ProcessOutput } from 'listr2'
import { lines, type Progress } from './progress.ts'

/** Spinners on a terminal, plain lines elsewhere, also on a terminal that does not say how wide it is. */
export function progressOn(stream: NodeJS.WriteStream): Progress {
  if (!stream.isTTY || !stream.columns) return lines((line) => stream.write(`${line}\n`))
  return {
    async step(title, work) {
      let result: { value: Awaited<ReturnType<typeof work>> } | undefined
      const task = {
        title,
        task: async (_: unknown, task: { title: string }) => {
          result = { value: await work((text) => (task.title = `${title}: ${text}`)) }
          task.title = title
        },
      }
      const logger = new ListrLogger({ processOutput: new ProcessOutput(stream, stream) })
      // What Ctrl-C does is the command's business.
      await new Listr([task], {
        rendererOptions: { logger, showErrorMessage: false },
        registerSignalListeners: false,
      }).run()
      if (result === undefined) throw new Error(`${title}: not finished`)
      return result.value
    },
    warn: (text) => stream.write(`! ${text}\n`),
  }
}
