const OPENING = Buffer.from(',"managedFields":[')
const [QUOTE, BACKSLASH] = [0x22, 0x5c]
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d]

/** What stands where a list was cut out: how often it is found again tells whether only lists of ours were. */
const CUT = ',"managedFields":0'

/**
 * Parses JSON of the API: an object, a list of them, or a watch event. Their metadata comes without managedFields, which are often
 * the larger half of an object, which nobody here reads, and to parse which takes more than half of the time (each key of theirs
 * is another one): they are cut out as bytes, before there are strings. What is called so elsewhere in an object is its own
 * business, and stays. Throws SyntaxError like JSON.parse.
 * @param whole leaves them where they are, for who asks who wrote an object
 */
export function decode(json: Buffer, whole = false): unknown {
  if (whole) return JSON.parse(json.toString('utf8'))
  let text = ''
  let from = 0
  let cut = 0
  // A quote within a string is escaped, so this is a key wherever it is found.
  for (let at = json.indexOf(OPENING); at >= 0; at = json.indexOf(OPENING, from)) {
    text += json.toString('utf8', from, at) + CUT
    from = endOfList(json, at + OPENING.length - 1)
    cut++
  }
  if (cut === 0) return JSON.parse(json.toString('utf8'))
  const value: unknown = JSON.parse(text + json.toString('utf8', from))
  if (withoutManagedFields(value) === cut) return value
  // Rare: an object that holds others as they are in the API.
  const all: unknown = JSON.parse(json.toString('utf8'))
  withoutManagedFields(all)
  return all
}

/** Takes them out of what was parsed; returns how many of them had been cut out before. */
function withoutManagedFields(value: unknown): number {
  if (!isObject(value)) return 0
  const { items, object } = value
  let cut = strip(value) + (isObject(object) ? strip(object) : 0)
  if (Array.isArray(items)) for (const item of items) if (isObject(item)) cut += strip(item)
  return cut
}

function strip(object: Record<string, unknown>): number {
  const { metadata } = object
  if (!isObject(metadata)) return 0
  const { managedFields } = metadata
  if (managedFields !== 0 && !Array.isArray(managedFields)) return 0
  // The last field, as it is of built-in kinds: to delete it leaves V8 with the smaller object, a copy would not.
  if (Object.keys(metadata).at(-1) === 'managedFields') delete metadata.managedFields
  else {
    const { managedFields: _, ...rest } = metadata
    object.metadata = rest
  }
  return managedFields === 0 ? 1 : 0
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

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
