const NEWLINE = 0x0a
/** What a piece of a line costs beside its bytes, so that a line of tiny pieces has a limit, too. */
const PIECE_BYTES = 128

/** A line is longer than it may be. */
export class LineTooLong extends Error {}

/**
 * Cuts a byte stream into lines without copying what lies within one chunk. Frames of a watch are lines of JSON. What it returns
 * throws {@link LineTooLong} before it holds more than about `maxBytes` of a line that does not end.
 */
export function createLineSplitter(
  onLine: (line: Buffer) => void,
  maxBytes = Number.POSITIVE_INFINITY,
): (chunk: Buffer) => void {
  let pending: Buffer[] = []
  let held = 0
  const hold = (piece: Buffer) => {
    held += piece.length + PIECE_BYTES
    if (held > maxBytes) throw new LineTooLong(`a line is longer than ${maxBytes} bytes`)
    pending.push(piece)
  }
  return (chunk) => {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      if (pending.length === 0) {
        if (end > start) onLine(chunk.subarray(start, end))
      } else {
        hold(chunk.subarray(start, end))
        const line = Buffer.concat(pending)
        pending = []
        held = 0
        onLine(line)
      }
      start = end + 1
    }
    if (start < chunk.length) hold(chunk.subarray(start))
  }
}
