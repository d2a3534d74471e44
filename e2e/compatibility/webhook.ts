export interface WebhookOptions {
  /** The Service in the webhook configurations. */
  readonly service: { readonly namespace: string; readonly name: string }
  /** Labels of the pods behind it. */
  readonly selector: Readonly<Record<string, string>>
  readonly targetPort: number
  /** A node of the leaf, as the root's API server reaches it. */
  readonly address: string
}

const NODE_PORT = 30443

/**
 * How the root's API server calls a webhook whose pod it does not reach: by a node port of the leaf. The name that the
 * certificate has to have stays that of the Service (k8s.io/apiserver, pkg/util/webhook/client.go). In the root the Service
 * has no selector, since the pod's address would be among its endpoints otherwise.
 */
export function webhookByNodePort({ service: { namespace, name }, selector, targetPort, address }: WebhookOptions) {
  return {
    inRoot: [
      { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec: { ports: [{ port: 443 }] } },
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name, namespace, labels: { 'kubernetes.io/service-name': name } },
        addressType: 'IPv4',
        endpoints: [{ addresses: [address], conditions: { ready: true } }],
        ports: [{ port: NODE_PORT, protocol: 'TCP' }],
      },
    ],
    inLeaf: [
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: `${name}-for-the-root`, namespace },
        spec: { type: 'NodePort', selector, ports: [{ port: 443, targetPort, nodePort: NODE_PORT }] },
      },
    ],
  }
}
