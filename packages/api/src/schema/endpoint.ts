import { parseCidr } from './cidr.ts'

/** Where something is reached. */
export interface Endpoint {
  readonly family: 4 | 6
  readonly address: string
  readonly port?: number
}

const port = '[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]'

/** Of `192.0.2.1`, `192.0.2.1:51872`, `[2001:db8::1]` and `[2001:db8::1]:51872`. Regular expression, of RE2 as well. */
export const endpointPattern = `^([0-9.]+|\\[[0-9a-fA-F:]+\\])(:(${port}))?$`

const form = new RegExp(endpointPattern)

/** Undefined when it is none. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const [, host = '', , port] = form.exec(text) ?? []
  const address = host.replace(/^\[|\]$/g, '')
  const { family } = parseCidr(`${address}/${host === address ? 32 : 128}`) ?? {}
  return family && { family, address, ...(port !== undefined && { port: Number(port) }) }
}
