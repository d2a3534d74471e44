import type { Dispatcher } from 'undici'
import { AnswerTooLong } from './errors.ts'

/**
 * A single object is at most 9 MiB: etcd takes 1.5 MiB of it, and JSON makes up to six bytes of one. Discovery, OpenAPI documents,
 * and what a kubelet measures, stay well below; a list is asked for in smaller pages. Parsed, it may be ten times as much.
 */
export const MAX_ANSWER_BYTES = 32 << 20

/** How many answers of the greatest length are gathered at once at most. Kubelets of large nodes send some megabytes each, many at a time. */
const LONGEST_AT_ONCE = 8

/** What a piece of an answer costs beside its bytes, so that one of tiny pieces has a limit, too. */
const PIECE_BYTES = 128

export interface GatheringLimits {
  /** What is gathered of an answer at most, in bytes. */
  readonly maxBytes: number
  /** What is gathered of all answers of the server now, in bytes. */
  readonly gathered: { bytes: number }
}

/** An answer that is held until all of it is there. */
export interface Gathering {
  /** @returns why no more of it is taken, if that is so; what was held is dropped then */
  add(chunk: Buffer): AnswerTooLong | undefined
  /** All that was added. */
  bytes(): Buffer
  /** It counts no longer. */
  release(): void
}

export function gatheringOf(request: Dispatcher.DispatchOptions, { maxBytes, gathered }: GatheringLimits): Gathering {
  let chunks: Buffer[] = []
  let held = 0
  return {
    add: (chunk) => {
      held += chunk.length + PIECE_BYTES
      gathered.bytes += chunk.length + PIECE_BYTES
      const isWithin = gathered.bytes <= LONGEST_AT_ONCE * maxBytes
      if (held <= maxBytes && isWithin) {
        chunks.push(chunk)
        return undefined
      }
      chunks = []
      return new AnswerTooLong(request, isWithin ? maxBytes : LONGEST_AT_ONCE * maxBytes, !isWithin)
    },
    bytes: () => Buffer.concat(chunks),
    release: () => {
      gathered.bytes -= held
    },
  }
}
