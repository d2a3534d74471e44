import type { CertificateSigningRequest } from '@kosmos/kube'
import { ok, problem, skipped, type Verdict } from '../findings/finding.ts'

const signer = 'kubernetes.io/kubelet-serving'
const patienceMs = 60_000

/**
 * Whether the root signs serving certificates for virtual nodes, by the requests that were made for them. `requesters`:
 * users whose requests count. Pure.
 */
export function signerVerdict(
  requests: readonly CertificateSigningRequest[],
  requesters: (user: string) => boolean,
  now: number,
): Verdict {
  const ours = requests.filter(({ spec }) => spec.signerName === signer && requesters(spec.username ?? ''))
  const latest = ours.sort((a, b) => bornAt(b) - bornAt(a))[0]
  if (latest === undefined) return skipped('no serving certificate was requested for a virtual node lately')
  const { name } = latest.metadata
  const condition = (type: string) => latest.status?.conditions?.find((one) => one.type === type)
  const refused = condition('Denied') ?? condition('Failed')
  if (refused !== undefined) {
    return problem(
      `CertificateSigningRequest ${name} was ${refused.type === 'Denied' ? 'denied' : 'not signed'}: ${refused.message}`,
      'see who denies requests of the signer kubernetes.io/kubelet-serving',
    )
  }
  if (latest.status?.certificate !== undefined || now - bornAt(latest) < patienceMs) {
    return ok(`the root signs serving certificates (${signer})`)
  }
  if (condition('Approved') === undefined) {
    return problem(
      `CertificateSigningRequest ${name} waits for approval`,
      'is the controller running? It approves its own',
    )
  }
  return problem(
    `CertificateSigningRequest ${name} is approved, but nobody signs for ${signer}`,
    'start kube-controller-manager with --cluster-signing-cert-file and --cluster-signing-key-file, and its csrsigning controller',
  )
}

function bornAt({ metadata }: CertificateSigningRequest): number {
  return Date.parse(metadata.creationTimestamp ?? '')
}
