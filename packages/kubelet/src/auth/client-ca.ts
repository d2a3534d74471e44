import { X509Certificate } from 'node:crypto'
import { type Client, type ConfigMap, configMaps, Reflector } from '@kosmos/kube'

/** The authorities whose client certificates are accepted. */
export interface ClientCA {
  readonly pem: string
  /** SHA-256 fingerprints of its certificates. */
  readonly fingerprints: ReadonlySet<string>
}

const certificate = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** Reads a PEM bundle. Throws if it holds no certificate or a broken one. */
export function parseClientCA(pem: string): ClientCA {
  const certificates = pem.match(certificate) ?? []
  if (certificates.length === 0) throw new Error('the client CA bundle holds no PEM certificate')
  return { pem, fingerprints: new Set(certificates.map((text) => new X509Certificate(text).fingerprint256)) }
}

/** Where an API server publishes the CA of its clients, for servers that trust the same clients. */
export const clientCAConfigMap = { namespace: 'kube-system', name: 'extension-apiserver-authentication' } as const

/** The client CA of a cluster as PEM; undefined if its API server takes no client certificates. */
export async function readClientCA(client: Client, signal?: AbortSignal): Promise<string | undefined> {
  const found = await client.get(configMaps, clientCAConfigMap, signal)
  return found?.data?.['client-ca-file']
}

/**
 * Calls `onChange` with the bundle that the API server publishes, first now and then whenever it changes. While there is none,
 * because somebody deleted it, its last content holds: the API server writes it again.
 */
export async function followClientCA(
  client: Client,
  onChange: (pem: string | undefined) => void,
  signal: AbortSignal,
): Promise<void> {
  const { namespace, name } = clientCAConfigMap
  const take = (found: ConfigMap) => onChange(found.data?.['client-ca-file'])
  const reflector = new Reflector<ConfigMap>({
    client,
    resource: configMaps,
    namespace,
    fieldSelector: `metadata.name=${name}`,
    sink: {
      replace: ([found]) => found && take(found),
      changed: take,
      deleted: () => {},
    },
  })
  await reflector.run(signal)
}
