/**
 * Messages of vici, the protocol by which strongSwan is configured: sections of keys with values or lists of values
 * (https://docs.strongswan.org/docs/latest/plugins/vici.html, "Message format").
 */
export interface ViciMessage {
  readonly [key: string]: ViciValue
}

export type ViciValue = string | Buffer | readonly (string | Buffer)[] | ViciMessage

const element = { sectionStart: 1, sectionEnd: 2, keyValue: 3, listStart: 4, listItem: 5, listEnd: 6 } as const

export function encodeMessage(message: ViciMessage): Buffer {
  return Buffer.concat(Object.entries(message).flatMap(([name, value]) => encodeElement(name, value)))
}

function encodeElement(name: string, value: ViciValue): Buffer[] {
  if (typeof value === 'string' || Buffer.isBuffer(value)) return [tag(element.keyValue, name), sized(value)]
  if (isList(value)) {
    const items = value.flatMap((item) => [Buffer.from([element.listItem]), sized(item)])
    return [tag(element.listStart, name), ...items, Buffer.from([element.listEnd])]
  }
  return [tag(element.sectionStart, name), encodeMessage(value), Buffer.from([element.sectionEnd])]
}

const isList = (value: ViciValue): value is readonly (string | Buffer)[] => Array.isArray(value)

export function named(kind: number, name: string): Buffer {
  return tag(kind, name)
}

function tag(kind: number, name: string): Buffer {
  const text = Buffer.from(name)
  return Buffer.concat([Buffer.from([kind, text.length]), text])
}

function sized(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(2)
  length.writeUInt16BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** Values are read as text: what the agent asks for has no others. */
export function decodeMessage(bytes: Buffer): ViciMessage {
  let at = 0
  const take = (length: number) => {
    at += length
    return bytes.subarray(at - length, at)
  }
  const name = () => take(take(1).readUInt8()).toString()
  const value = () => take(take(2).readUInt16BE()).toString()
  const list = () => {
    const items: string[] = []
    while (take(1).readUInt8() === element.listItem) items.push(value())
    return items
  }
  const section = (): ViciMessage => {
    const entries: [string, ViciValue][] = []
    while (at < bytes.length) {
      const kind = take(1).readUInt8()
      if (kind === element.sectionEnd) break
      const key = name()
      if (kind === element.sectionStart) entries.push([key, section()])
      else if (kind === element.listStart) entries.push([key, list()])
      else if (kind === element.keyValue) entries.push([key, value()])
      else throw new Error(`vici: no element is of kind ${kind}`)
    }
    return Object.fromEntries(entries)
  }
  return section()
}
