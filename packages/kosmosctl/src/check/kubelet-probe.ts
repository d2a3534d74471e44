import { type Client, ClusterUnreachable, type Node, pods } from '@kosmos/kube'
import { ok, problem, skipped, type Verdict, warning } from '../findings/finding.ts'
import { type TunnelDistribution, tunnelFix } from './distribution.ts'

/** How the root's API server fared when it was asked to reach a virtual node. */
export interface Probe {
  readonly node: string
  /** Addresses of the node, as `InternalIP 10.0.0.1`. */
  readonly addresses: readonly string[]
  /** HTTP status; 0 if the root did not answer in time. */
  readonly code: number
  readonly message: string
}

const timeoutMs = 10_000
const loopbackRefusal = /address not allowed/

/** Asks through the root for the node's /healthz, or, where the root refuses the address, for the log of a pod. */
export async function probe(root: Client, node: Node): Promise<Probe> {
  const { name } = node.metadata
  const addresses = (node.status?.addresses ?? []).map(({ type, address }) => `${type} ${address}`)
  const proxied = await ask(root, `/api/v1/nodes/${name}/proxy/healthz`)
  if (!loopbackRefusal.test(proxied.message)) return { node: name, addresses, ...proxied }
  const path = await logPath(root, name)
  return { node: name, addresses, ...(path === undefined ? proxied : await ask(root, path)) }
}

async function logPath(root: Client, node: string): Promise<string | undefined> {
  const bound = await root.listAll(pods, { fieldSelector: `spec.nodeName=${node},status.phase=Running` })
  const [pod] = bound
  const container = pod?.spec.containers[0]?.name
  if (pod === undefined || container === undefined) return undefined
  const { namespace, name } = pod.metadata
  return `/api/v1/namespaces/${namespace}/pods/${name}/log?container=${container}&tailLines=1&limitBytes=1`
}

async function ask(root: Client, path: string): Promise<Pick<Probe, 'code' | 'message'>> {
  try {
    const { code, body } = await root.connection.request({ method: 'GET', path, timeoutMs })
    const { message } = (typeof body === 'object' && body !== null ? body : {}) as { message?: string }
    return { code, message: message ?? String(body) }
  } catch (error) {
    if (error instanceof ClusterUnreachable) return { code: 0, message: error.message }
    throw error
  }
}

interface Symptom {
  readonly sign: RegExp
  readonly what: string
  readonly fix: string
}

/** What stands in the way, by what the API server says of it; the first that fits. */
const symptoms: readonly Symptom[] = [
  {
    sign: /x509: certificate (is valid for|is not valid for)|doesn't contain any IP SANs|not valid for any names/,
    what: 'the API server uses an address of the node that is not on its certificate',
    fix: 'let kube-apiserver prefer the address that is: --kubelet-preferred-address-types=InternalIP,InternalDNS,Hostname',
  },
  {
    sign: /x509|certificate signed by unknown authority|failed to verify certificate/,
    what: 'the API server does not trust the certificate of the kubelet API',
    fix: 'set kube-apiserver --kubelet-certificate-authority to the CA by which kube-controller-manager signs kubernetes.io/kubelet-serving (--cluster-signing-kubelet-serving-cert-file, --cluster-signing-cert-file)',
  },
  {
    sign: /no such host|server misbehaving|Temporary failure in name resolution/,
    what: 'the API server looks up the name of the node instead of using its address',
    fix: 'start kube-apiserver with --kubelet-preferred-address-types=InternalIP,InternalDNS,Hostname',
  },
  {
    sign: /no route to host|i\/o timeout|connection refused|network is unreachable|deadline exceeded|no full answer/,
    what: "the API server cannot reach the node's address",
    fix: 'let the network route it and the firewall pass it, or give the controllers a reachable --node-address',
  },
]

const tunnelSigns = /failed to find Session for client|502 Bad Gateway|no agent available|egress|tunnel/i

/** The host that an API server says it called, as Go writes a failed request: `Get "https://10.0.0.1:10250/…": …`. */
function dialledHost(message: string): string | undefined {
  return /"https:\/\/(?:\[([^\]]+)\]|([^/:"]+))[:/]/.exec(message)?.slice(1).find(Boolean)
}

/** What a probe says about logs, exec and port-forward on the node. Pure. */
export function probeVerdict(found: Probe, distribution: TunnelDistribution | undefined): Verdict {
  const { node, addresses, code, message } = found
  if (code === 200) return ok(`the API server reaches ${node}`)
  const because = `${node} (${addresses.join(', ') || 'no address'}): ${message.replaceAll(/\s+/g, ' ').trim().slice(0, 300)}`
  if (loopbackRefusal.test(message)) {
    return skipped(`not known until a pod runs there, because its address is a loopback one: ${node}`)
  }
  if (tunnelSigns.test(message)) {
    return problem(`the API server looks for a tunnel to the node: ${because}`, tunnelFix(distribution))
  }
  if (code === 401) {
    return problem(
      `the kubelet API does not accept the API server's client certificate: ${because}`,
      'sign kube-apiserver --kubelet-client-certificate by the CA in ConfigMap kube-system/extension-apiserver-authentication (--client-ca-file)',
    )
  }
  if (code === 403 && message.startsWith('Forbidden (user=')) {
    return problem(
      `the API server may not use the kubelet API: ${because}`,
      "bind ClusterRole system:kubelet-api-admin to the user of kube-apiserver's --kubelet-client-certificate",
    )
  }
  if (code === 403) return skipped('your credentials may not get nodes/proxy')
  const dialled = dialledHost(message)
  if (dialled !== undefined && !addresses.some((address) => address.endsWith(` ${dialled}`))) {
    return warning(
      `the API server reaches ${node}, but the leaf's does not get through to its own node: ${because}`,
      "see whether kubectl logs works in the leaf itself; it is the leaf's kubelet that does not answer",
    )
  }
  const symptom = symptoms.find(({ sign }) => sign.test(message))
  if (symptom !== undefined) return problem(`${symptom.what}: ${because}`, symptom.fix)
  return problem(
    `the API server does not get through to the kubelet API (${code}): ${because}`,
    'see the logs of kube-apiserver and of the controllers',
  )
}
