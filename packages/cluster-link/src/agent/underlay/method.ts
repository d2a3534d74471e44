import { isIP } from 'node:net'
import { parseNetwork } from '../net/cidr.ts'

/** How the interface is found that tunnels start from; the methods of Calico that make sense here. */
export type Autodetection =
  | { readonly method: 'first-found' }
  | { readonly method: 'can-reach'; readonly address: string }
  | { readonly method: 'interface'; readonly pattern: RegExp }
  | { readonly method: 'cidr'; readonly cidrs: readonly string[] }

/** Reads `first-found`, `can-reach=ADDRESS`, `interface=REGEX` or `cidr=CIDR[,CIDR]`; throws on anything else. */
export function parseAutodetection(text: string): Autodetection {
  const [method = '', ...rest] = text.split('=')
  const value = rest.join('=')
  switch (method) {
    case 'first-found':
      if (value === '') return { method }
      break
    case 'can-reach':
      if (isIP(value)) return { method, address: value }
      break
    case 'interface':
      if (value !== '') return { method, pattern: new RegExp(`^(${value})$`) }
      break
    case 'cidr': {
      const cidrs = value.split(',')
      for (const cidr of cidrs) parseNetwork(cidr)
      return { method, cidrs }
    }
  }
  throw new TypeError(`${text}: first-found, can-reach=ADDRESS, interface=REGEX or cidr=CIDR is needed`)
}
