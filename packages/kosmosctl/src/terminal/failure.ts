/** A command cannot do what it was asked: one line says why, one what to do next. Ends with exit code 1. */
export class Failure extends Error {
  override readonly name = 'Failure'
  /** What to do next: a sentence or a command. */
  readonly next: string | undefined

  constructor(message: string, options: { readonly next?: string | undefined; readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.next = options.next
  }
}

/** The command line itself is wrong. Ends with exit code 2. */
export class WrongUsage extends Failure {}
