import type { ServerResponse } from 'node:http'
import { sendJson } from '../answer.ts'
import { defaultTunnelLimits } from '../tunnel/tunnel.ts'
import type { RouteParams } from './params.ts'

/** Of k8s.io/kubelet/config/v1beta1 what holds for a virtual node; what its leaf's kubelets are set to is theirs. */
const configuration = {
  kind: 'KubeletConfiguration',
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  authentication: { x509: {}, webhook: { enabled: true }, anonymous: { enabled: false } },
  authorization: { mode: 'Webhook' },
  serverTLSBootstrap: true,
  rotateCertificates: true,
  nodeLeaseDurationSeconds: 40,
  streamingConnectionIdleTimeout: `${defaultTunnelLimits.idleMs / 3_600_000}h0m0s`,
  enableDebuggingHandlers: true,
}

/** GET /configz */
export async function configz(_params: RouteParams, _query: URLSearchParams, response: ServerResponse): Promise<void> {
  sendJson(response, { kubeletconfig: configuration })
}
