const OPENING = Buffer.from(',"managedFields":[')
const [QUOTE, BACKSLASH] = [0x22, 0x5c]
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d]

/**
 * Parses JSON of the API, without managedFields: they are often the larger half of an object, nobody here reads them, and
 * parsing them takes more than half of the time (each key of theirs is another one). Cut out as bytes, before there are
 * strings. Throws SyntaxError like JSON.parse.
 */
export function decode(json: Buffer): unknown {
  let text = ''
  let from = 0
  // A quote within a string is escaped, so this is a key wherever it is found.
  for (let at = json.indexOf(OPENING); at >= 0; at = json.indexOf(OPENING, from)) {
    text += json.toString('utf8', from, at)
    from = endOfList(json, at + OPENING.length - 1)
  }
  return JSON.parse(from === 0 ? json.toString('utf8') : text + json.toString('utf8', from))
}

/** The place after the list that opens at `start`; the end of the text if it is cut short. */
function endOfList(json: Buffer, start: number): number {
  let depth = 0
  let inString = false
  for (let at = start; at < json.length; at++) {
    const byte = json[at]
    if (inString) {
      if (byte === BACKSLASH) at++
      else if (byte === QUOTE) inString = false
    } else if (byte === QUOTE) inString = true
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) depth++
    else if ((byte === CLOSE_LIST || byte === CLOSE_OBJECT) && --depth === 0) return at + 1
  }
  return json.length
}
