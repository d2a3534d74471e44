/** A program, and what it reads from its standard input. */
export interface Command {
  readonly argv: readonly string[]
  readonly stdin: string
}
