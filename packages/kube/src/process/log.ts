/** Fields that mean the same wherever they appear; also the names of metrics labels. */
export interface LogFields {
  readonly cluster?: string
  readonly namespace?: string
  readonly pod?: string
  readonly node?: string
  readonly uid?: string
  readonly reason?: string
  readonly duration_ms?: number
  readonly [field: string]: string | number | boolean | undefined
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** One line of JSON an event. */
export type Log = (level: LogLevel, event: string, fields?: LogFields) => void

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

export function createLog(least: LogLevel, write: (line: string) => void = (line) => process.stderr.write(line)): Log {
  return (level, event, fields) => {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(least)) return
    write(`${JSON.stringify({ time: new Date().toISOString(), level, event, ...fields })}\n`)
  }
}
