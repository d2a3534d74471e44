import { randomBytes } from 'node:crypto'

/** One that no other certificate has: a positive integer of at most 20 octets (RFC 5280, 4.1.2.2), in hexadecimal. */
export function serialNumber(): string {
  return `01${randomBytes(15).toString('hex')}`
}
