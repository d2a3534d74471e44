/** A binary cannot be had; the message says which one, what was tried and why that failed. */
export class BinaryMissing extends Error {
  constructor(names: readonly string[], why: string, options?: ErrorOptions) {
    super(`${names.join(', ')}: ${why}`, options)
    this.name = 'BinaryMissing'
  }
}
