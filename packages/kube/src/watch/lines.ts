const NEWLINE = 0x0a

/** Cuts a byte stream into lines without copying what lies within one chunk. Frames of a watch are lines of JSON. */
export function createLineSplitter(onLine: (line: Buffer) => void): (chunk: Buffer) => void {
  let pending: Buffer[] = []
  return (chunk) => {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      if (pending.length === 0) {
        if (end > start) onLine(chunk.subarray(start, end))
      } else {
        pending.push(chunk.subarray(start, end))
        const line = Buffer.concat(pending)
        pending = []
        onLine(line)
      }
      start = end + 1
    }
    if (start < chunk.length) pending.push(chunk.subarray(start))
  }
}
