import { Transform, type TransformCallback } from 'node:stream'

/** What all connections of a proxy suffer at the moment. */
export interface Line {
  /** Nothing passes, nothing is lost. */
  readonly frozen: boolean
  /** Each piece of data arrives this much later. */
  readonly delayMs: number
}

const maxHeld = 1 << 20

/** One direction of a connection: passes bytes on in order, late by the line's delay, or not at all while it is frozen. */
export class Valve extends Transform {
  readonly #line: () => Line
  readonly #held: { readonly chunk: Buffer; readonly due: number }[] = []
  #heldBytes = 0
  #timer: NodeJS.Timeout | undefined
  #onDrained: (() => void)[] = []

  constructor(line: () => Line) {
    super()
    this.#line = line
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, next: TransformCallback): void {
    this.#held.push({ chunk, due: Date.now() + this.#line().delayMs })
    this.#heldBytes += chunk.length
    if (this.#heldBytes < maxHeld) next()
    else this.#onDrained.push(next)
    this.release()
  }

  override _flush(next: TransformCallback): void {
    this.#onDrained.push(next)
    this.release()
  }

  override _destroy(error: Error | null, next: (error?: Error | null) => void): void {
    clearTimeout(this.#timer)
    next(error)
  }

  /** Passes on what is due; to be called again when the line changes. */
  release(): void {
    clearTimeout(this.#timer)
    if (this.#line().frozen || this.destroyed) return
    const now = Date.now()
    for (let head = this.#held[0]; head && head.due <= now; head = this.#held[0]) {
      this.#held.shift()
      this.#heldBytes -= head.chunk.length
      this.push(head.chunk)
    }
    const head = this.#held[0]
    if (head) {
      this.#timer = setTimeout(() => this.release(), head.due - now)
      return
    }
    const waiting = this.#onDrained
    this.#onDrained = []
    for (const next of waiting) next()
  }
}
