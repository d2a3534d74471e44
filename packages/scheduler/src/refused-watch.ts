import { ApiError, type ReflectorState, type Resource } from '@kosmos/kube'
import type { Log } from '@kosmos/kube/process'

/**
 * Logs when a root does not let us follow a kind, and when it does again: one that it does not serve, or to which we have no right. Nothing
 * but a person ends that; what comes and goes by itself is not told.
 */
export function tellIfRefused(log: Log, { group, plural }: Pick<Resource, 'group' | 'plural'>) {
  const resource = group === '' ? plural : `${plural}.${group}`
  let told: number | undefined
  return (state: ReflectorState): void => {
    const code = state.kind === 'broken' && state.error instanceof ApiError ? state.error.code : undefined
    if (state.kind === 'following' && told !== undefined) {
      log('info', 'watch.allowed', { resource })
      told = undefined
    } else if ((code === 404 || code === 403) && code !== told) {
      const reason = code === 404 ? 'the root does not serve this kind' : 'the scheduler has no right to watch it'
      log('warn', 'watch.refused', { resource, reason, hint: 'kosmosctl install, in the version of the scheduler' })
      told = code
    }
  }
}
