import { setTimeout as sleep } from 'node:timers/promises'
import { clusterLabel } from '@kosmos/api'
import {
  type Client,
  type Pod,
  type PodCertificateRequest,
  podCertificateRequests,
  serviceAccounts,
} from '@kosmos/kube'
import { AsNode } from '../root/as-node.ts'
import type { CertificateWish } from './wishes.ts'

/** The root does not take a request for a certificate: why, in its words. */
export class RequestRefused extends Error {
  override readonly name = 'RequestRefused'
}

/** The root's admission hears of a binding a moment after we do. */
const ADMISSION_LAG_MS = [0, 50, 200, 500]

/** Asks signers of the root for certificates of pods (KEP-4317), as the node, as a kubelet does. */
export class CertificateRequests {
  readonly #root: Client
  readonly #nodeUid: (nodeName: string) => string | undefined
  readonly #asNode = new AsNode()

  /** @param nodeUid of a virtual node of the root */
  constructor(root: Client, nodeUid: (nodeName: string) => string | undefined) {
    this.#root = root
    this.#nodeUid = nodeUid
  }

  /**
   * Returns the name of the request.
   * @param proof that we have the key: base64 of a PKCS #10 request
   * @throws {RequestRefused} if the root does not take it
   */
  async ask(pod: Pod, wish: CertificateWish, clusterName: string, proof: string): Promise<string> {
    const { namespace } = pod.metadata
    const { nodeName = '', serviceAccountName = 'default' } = pod.spec
    const account = await this.#root.get(serviceAccounts, { namespace, name: serviceAccountName })
    if (!account) throw new RequestRefused(`there is no ServiceAccount ${namespace}/${serviceAccountName}`)
    const uids = { account: account.metadata.uid, node: this.#nodeUid(nodeName) ?? '' }
    const request = certificateRequest(pod, wish, clusterName, proof, uids)
    let refusal = ''
    for (const pauseMs of ADMISSION_LAG_MS) {
      if (pauseMs > 0) await sleep(pauseMs)
      const outcome = await this.#asNode.send(nodeName, (headers) =>
        this.#root.create<PodCertificateRequest>(podCertificateRequests, request, { headers }),
      )
      if (outcome.ok) return outcome.object.metadata.name
      refusal = outcome.status.message ?? outcome.reason
      if (outcome.reason !== 'Forbidden') break
    }
    throw new RequestRefused(refusal)
  }
}

/** As createPodCertificateRequest of k8s.io/kubernetes pkg/kubelet/podcertificate, with the label that we find it by. Pure. */
export function certificateRequest(
  { metadata: { namespace, name, uid }, spec: { nodeName, serviceAccountName } }: Pod,
  { source: { signerName, maxExpirationSeconds, userAnnotations } }: CertificateWish,
  clusterName: string,
  proof: string,
  uids: { readonly account: string; readonly node: string },
) {
  return {
    metadata: {
      namespace,
      generateName: 'req-',
      labels: { [clusterLabel]: clusterName },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name, uid }],
    },
    spec: {
      signerName,
      podName: name,
      podUID: uid,
      serviceAccountName: serviceAccountName ?? 'default',
      serviceAccountUID: uids.account,
      nodeName,
      nodeUID: uids.node,
      ...(maxExpirationSeconds !== undefined && { maxExpirationSeconds }),
      stubPKCS10Request: proof,
      ...(userAnnotations && { unverifiedUserAnnotations: userAnnotations }),
    },
  }
}
