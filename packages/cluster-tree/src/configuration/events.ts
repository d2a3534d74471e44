import type { Notice } from '../root/events.ts'

/** `what`: e.g. `ConfigMap settings`. */
export const notUpdated = (what: string, cluster: string, why: string): Notice => ({
  type: 'Warning',
  reason: 'ConfigurationNotUpdated',
  action: 'UpdatingConfiguration',
  note: `${what} is in cluster ${cluster} not as it is in the root: ${why}`,
})
