import { readFile, writeFile } from 'node:fs/promises'
import https from 'node:https'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import type { KubeObject } from '@kosmos/kube'
import { createReviewAccess } from '@kosmos/kube/auth'
import type { Testbed } from '@kosmos/testbed'
import { applied, deployed, onRoot, tokenOf } from './credentials.ts'

/** How the metrics of a process of ours are read where it runs for good. */
export interface MetricsPort {
  /** https. */
  readonly url: string
  /** Bearer token of an account that may read metrics and nothing else. */
  readonly tokenFile: string
  /** PEM: who vouches for the certificate there. */
  readonly caFile: string
}

const account = { namespace: 'kosmos-system', name: 'prometheus' } as const

/** Lets an account of the root read metrics, as an administrator lets that of Prometheus. */
export async function letReadMetrics(testbed: Testbed, url: string): Promise<MetricsPort> {
  const { pki, ca } = rootPki(testbed)
  const tokenFile = path.join(pki, 'prometheus.token')
  await onRoot(testbed, async (client) => {
    const rights = [...(await deployed('rbac/metrics-reader.yaml')), serviceAccount, binding]
    await applied(client, rights)
    // The root's authorizer hears of rights a moment after they are stored, and our processes remember a refusal.
    const user = { name: `system:serviceaccount:${account.namespace}:${account.name}`, groups: [] }
    const asked = { nonResourceAttributes: { path: '/metrics', verb: 'get' } }
    while (!(await createReviewAccess(client)(user, asked))) await sleep(20)
    await writeFile(tokenFile, await tokenOf(client, account.name), { mode: 0o600 })
  })
  return { url, tokenFile, caFile: ca }
}

/** What a process tells Prometheus, in its text format. */
export async function readMetrics(port: MetricsPort | undefined): Promise<string> {
  if (port === undefined) throw new Error('no process of ours was started whose metrics could be read')
  const { url, tokenFile, caFile } = port
  const [token, ca] = await Promise.all([tokenFile, caFile].map((file) => readFile(file, 'utf8')))
  const headers = { authorization: `Bearer ${token}` }
  return await new Promise((resolve, reject) => {
    const request = https.get(url, { ca, headers, agent: false }, (response) => {
      const { statusCode } = response
      const answered = text(response)
      if (statusCode === 200) answered.then(resolve, reject)
      else answered.then((said) => reject(new Error(`${url} answers ${statusCode}: ${said}`)), reject)
    })
    request.on('error', reject)
  })
}

/** The certificate by which processes of ours are known on a test bed: the control plane's, which names loopback. */
export function rootPki({ root }: Testbed) {
  const pki = path.join(root.dir, 'pki')
  const file = (name: string) => path.join(pki, name)
  return { pki, ca: file('ca.crt'), cert: file('control-plane.crt'), key: file('control-plane.key') }
}

const rbac = 'rbac.authorization.k8s.io'
const serviceAccount: KubeObject = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: account }
const binding = {
  apiVersion: `${rbac}/v1`,
  kind: 'ClusterRoleBinding',
  metadata: { name: 'prometheus-of-kosmos' },
  roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'kosmos-metrics-reader' },
  subjects: [{ kind: 'ServiceAccount', ...account }],
} as KubeObject
