import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { unwrap } from '@kosmos/kube'
import { ensureBinaries } from '../binaries/ensure.ts'
import { ports } from '../control-plane/address.ts'
import { asAdmin } from '../control-plane/admin.ts'
import type { ControlPlane } from '../control-plane/control-plane.ts'
import { openAuthority } from '../pki/authority.ts'
import { kubeconfig } from '../pki/kubeconfig.ts'
import type { Journal } from '../processes/journal.ts'
import { launch } from '../processes/launch.ts'
import { type Progress, silent } from '../progress.ts'
import { metricsServer, metricsServerHost, metricsServerUser } from './metrics-server.ts'

/**
 * Starts metrics-server beside a cluster whose API server listens on an address of the underlay, so of a test bed with
 * real nodes. Resolves when it is healthy; `kubectl top` has figures one or two scrapes (15 s each) later.
 */
export async function startMetricsServer(
  journal: Journal,
  cluster: ControlPlane,
  progress: Progress = silent,
): Promise<void> {
  const bin = await ensureBinaries(['metrics-server'], progress)
  const address = new URL(cluster.server).hostname
  const pki = (name: string) => path.join(cluster.dir, 'pki', name)
  const authority = await openAuthority({ certificate: cluster.ca, key: readFileSync(pki('ca.key'), 'utf8') })
  const write = (name: string, text: string) => writeFileSync(pki(name), text, { mode: 0o600 })
  const user = await authority.issue({ commonName: metricsServerUser, client: true })
  write('metrics-server.kubeconfig', kubeconfig({ name: cluster.name, server: cluster.server, ca: cluster.ca, user }))
  const serving = await authority.issue({ commonName: metricsServerHost, hosts: [metricsServerHost, address] })
  write('metrics-server.crt', serving.certificate)
  write('metrics-server.key', serving.key)
  await asAdmin(cluster, async (client) => {
    const manifests = metricsServer({ address, port: ports.metricsServer, ca: cluster.ca })
    for (const { resource, object } of manifests) unwrap(await client.apply(resource, object))
  })
  const login = pki('metrics-server.kubeconfig')
  await launch(journal, {
    id: `${cluster.name}/metrics-server`,
    argv: [
      bin['metrics-server'] ?? '',
      `--kubeconfig=${login}`,
      `--authentication-kubeconfig=${login}`,
      `--authorization-kubeconfig=${login}`,
      `--bind-address=${address}`,
      `--secure-port=${ports.metricsServer}`,
      `--tls-cert-file=${pki('metrics-server.crt')}`,
      `--tls-private-key-file=${pki('metrics-server.key')}`,
      `--kubelet-certificate-authority=${pki('ca.crt')}`,
      '--kubelet-preferred-address-types=InternalIP',
      '--kubelet-use-node-status-port',
      '--metric-resolution=15s',
    ],
    log: path.join(cluster.dir, 'logs', 'metrics-server.log'),
    health: { url: `https://${address}:${ports.metricsServer}/livez`, caFile: pki('ca.crt') },
  })
}
