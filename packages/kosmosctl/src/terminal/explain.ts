import { apiGroup } from '@kosmos/api'
import { ApiError, ClusterUnreachable, KubeConfigError } from '@kosmos/kube'
import { Failure } from './failure.ts'

/** How the cluster that refused was asked, for who has to mend it. */
export interface AskedBy {
  /** Which one, e.g. `context "a" in /home/me/.kube/config`. */
  readonly kubeconfig: string
  readonly server: string
}

/** Any error as one line of cause and one of what to do. Pure. */
export function explain(error: unknown, askedBy?: AskedBy): Failure {
  if (error instanceof Failure) return error
  if (error instanceof KubeConfigError) {
    return new Failure(oneLine(error.message), {
      next: 'check --kubeconfig, --context and $KUBECONFIG (kubectl config get-contexts --kubeconfig FILE shows what is in a file)',
      cause: error,
    })
  }
  if (error instanceof ClusterUnreachable) {
    return new Failure(oneLine(error.message), { next: unreachableAdvice(error, askedBy), cause: error })
  }
  if (error instanceof ApiError && error.code === 404 && error.message.includes(`/apis/${apiGroup}/`)) {
    const which = askedBy ? `${askedBy.server} (${askedBy.kubeconfig})` : 'this cluster'
    return new Failure(`${which} does not know the kind Cluster of kosmos.io, so nothing is joined to it`, {
      next: 'is it the root (--root-kubeconfig, --root-context)? If so: kosmosctl install, or join a first leaf',
      cause: error,
    })
  }
  if (error instanceof ApiError)
    return new Failure(oneLine(error.message), { next: refusalAdvice(error, askedBy), cause: error })
  const message = error instanceof Error ? error.message : String(error)
  return new Failure(oneLine(message), {
    next: 'set KOSMOS_DEBUG=1 to see where it comes from',
    cause: error,
  })
}

const TLS_CODES = /CERT|SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)|ALTNAME|SSL|TLS/

/** Whether the other side answered, but its certificate is not trusted or TLS is not spoken at all. */
export function isTlsError(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (typeof code === 'string' && TLS_CODES.test(code)) return true
  }
  return false
}

function unreachableAdvice(error: ClusterUnreachable, askedBy: AskedBy | undefined): string {
  const where = askedBy ? ` (${askedBy.kubeconfig})` : ''
  return isTlsError(error)
    ? `put the cluster's CA into certificate-authority-data of the kubeconfig${where}, and check that the server name is on its certificate`
    : `is the server address right${where}, is the API server running, and may this machine reach it (firewall, VPN, proxy)?`
}

function refusalAdvice(error: ApiError, askedBy: AskedBy | undefined): string | undefined {
  if (error.code === 401) {
    if (!askedBy) return 'log in again: the credentials in the kubeconfig are not accepted (any more)'
    return `log in again: ${askedBy.server} does not accept the credentials of ${askedBy.kubeconfig} (any more)`
  }
  if (error.code === 403) {
    const who = askedBy ? ` (${askedBy.server} was asked by ${askedBy.kubeconfig})` : ''
    return `use a kubeconfig of somebody who may do this${who}, or have the right granted`
  }
  if (error.code >= 500 || error.code === 429) return 'the API server is overloaded or starting: try again'
  return undefined
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, '; ')
}
