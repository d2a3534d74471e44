import { writeSync } from 'node:fs'
import { constants } from 'node:os'
import { type Progress, watching } from './progress.ts'

/** What a command leaves behind that is interrupted, and how to go on. */
export interface Left {
  readonly what: string
  readonly next: string
}

/** A terminal may have been left without its cursor. */
const SHOW_CURSOR = '\x1b[?25h'

/**
 * Runs the work of a command that changes something. If somebody types Ctrl-C, or ends the process (SIGTERM), it says what is left and
 * ends as a shell expects, with 128 and the number of the signal; nothing is undone.
 * @param leftIn of the step that was under way, by its title; undefined before the first
 */
export async function tellingWhatIsLeft<T>(
  progress: Progress,
  leftIn: (step: string | undefined) => Left,
  work: (progress: Progress) => Promise<T>,
): Promise<T> {
  const { watched, step } = watching(progress)
  const interrupt = (signal: 'SIGINT' | 'SIGTERM') => {
    const current = step()
    const { what, next } = leftIn(current)
    const where = current === undefined ? '' : ` while ${current}`
    const cursor = process.stderr.isTTY ? SHOW_CURSOR : ''
    // Past the spinners, which hold back what is written to the stream and would be ended with it.
    writeSync(process.stderr.fd, `${cursor}\nerror: interrupted${where}: ${what}\nnext:  ${next}\n`)
    process.exit(128 + constants.signals[signal])
  }
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  try {
    return await work(watched)
  } finally {
    process.removeListener('SIGINT', interrupt)
    process.removeListener('SIGTERM', interrupt)
  }
}
