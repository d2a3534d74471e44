import type { Lease } from '../objects/types.ts'

export function leaseOf(spec: NonNullable<Lease['spec']>, resourceVersion = '1', uid = 'u'): Lease {
  return { metadata: { namespace: 'ns', name: 'l', uid, resourceVersion }, spec } as Lease
}
