import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { deployedManifests } from './deploy-folder.ts'

interface Workload {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly spec: { readonly template: { readonly spec: { readonly containers: readonly Container[] } } }
}

interface Container {
  readonly args: readonly string[]
  readonly ports?: readonly { readonly containerPort: number }[]
  readonly [probe: string]: unknown
}

interface Probe {
  readonly httpGet: { readonly scheme?: string; readonly host?: string }
}

const security = readFileSync(new URL('../../../../docs/explanation/security.md', import.meta.url), 'utf8')
const [, table = ''] = /^## Ports\n([\s\S]*?)^## /m.exec(security) ?? []

/** Of options that make a process listen. */
const listening = /^--(?:https|webhook)=.*:(\d+)$|^--kubelet-port=(\d+)$/

const workloads = (
  await Promise.all(
    ['clustertree', 'scheduler', 'clusterlink', 'link-agent'].map((name) => deployedManifests(`${name}.yaml`)),
  )
)
  .flat()
  .filter(({ kind }) => kind === 'Deployment' || kind === 'DaemonSet') as unknown as readonly Workload[]

describe('the ports in docs/explanation/security.md', () => {
  it('are all at which processes of our manifests listen', () => {
    assert.equal(workloads.length, 4)
    for (const { metadata, spec } of workloads) {
      const [container] = spec.template.spec.containers
      const ports = container?.args.flatMap((arg) => listening.exec(arg)?.slice(1).filter(Boolean) ?? []) ?? []
      assert.ok(ports.length > 0, metadata.name)
      for (const { containerPort } of container?.ports ?? []) ports.push(String(containerPort))
      for (const port of ports) assert.match(table, new RegExp(`\\| TCP ${port}\\b`), `${metadata.name}: ${port}`)
    }
  })

  it('are none without TLS', () => {
    const args = workloads.flatMap(({ spec }) => spec.template.spec.containers.flatMap(({ args }) => args))
    assert.deepEqual(
      args.filter((arg) => arg.startsWith('--http=') || arg === '--http'),
      [],
    )
  })

  it('are probed over TLS', () => {
    for (const { metadata, spec } of workloads) {
      const probes = Object.entries(spec.template.spec.containers[0] ?? {}).filter(([name]) => name.endsWith('Probe'))
      assert.ok(probes.length > 0, metadata.name)
      for (const [name, probe] of probes) {
        assert.equal((probe as Probe).httpGet.scheme, 'HTTPS', `${metadata.name} ${name}`)
      }
    }
  })
})
