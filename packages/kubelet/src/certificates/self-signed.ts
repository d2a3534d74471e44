import { type ServingCertificate, selfSignedCertificate } from '@kosmos/kube/certificates'
import { type ServingNames, subjectOf } from './names.ts'

const yearMs = 365 * 24 * 3600_000

/**
 * A certificate by which a node vouches for itself. API servers accept it unless they run with --kubelet-certificate-authority;
 * `nodes/proxy` never does.
 */
export async function selfSignedNodeCertificate({ nodeName, hosts }: ServingNames): Promise<ServingCertificate> {
  return await selfSignedCertificate({ subject: subjectOf(nodeName), hosts, lifetimeMs: yearMs })
}
