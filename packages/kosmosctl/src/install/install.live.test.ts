import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { systemNamespace } from '@kosmos/api'
import { serviceExports } from '@kosmos/cluster-link'
import {
  Client,
  configMaps,
  customResourceDefinitions,
  type KubeObject,
  leases,
  namespaces,
  nodes,
  pods,
  secrets,
  serviceAccounts,
} from '@kosmos/kube'
import { askPort, listeningPorts } from '@kosmos/kube/testing'
import { check } from '../check/check.ts'
import { selfContainedKubeconfig } from '../join/credentials.ts'
import { join } from '../join/join.ts'
import { changesSince, eventually, inventory, recorded, rootAndLeaf, unchanged } from '../live.fixture.ts'
import { explain } from '../terminal/explain.ts'
import { silent } from '../terminal/progress.ts'
import { unjoin } from '../unjoin/unjoin.ts'
import { install } from './install.ts'
import { partOf } from './manifests.ts'
import { mcsDefinitions } from './mcs-definitions.ts'
import { remove } from './remove.ts'
import { uninstall } from './uninstall.ts'

const controllers = fileURLToPath(new URL('../../../cluster-tree/src/main.ts', import.meta.url))

const { root, leaf, pristine } = rootAndLeaf()
let folder: string

before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'kosmosctl-'))
})
after(async () => {
  for (const heartbeat of heartbeats) clearInterval(heartbeat)
  await rm(folder, { recursive: true, force: true })
})

const heartbeats: NodeJS.Timeout[] = []

/** A node of the leaf that is Ready, and of a kubelet only its heartbeat: pods may be bound to it, and stay Pending. */
async function readyNode(name: string): Promise<void> {
  await leaf.client.create(nodes, { metadata: { name } })
  const lease = { name, namespace: 'kube-node-lease' }
  const renewed = () => ({ spec: { renewTime: new Date().toISOString().replace('Z', '000Z') } })
  await leaf.client.create(leases, { metadata: lease, ...renewed() })
  const renew = () => leaf.client.patch(leases, lease, renewed(), { type: 'merge' }).catch(() => {})
  heartbeats.push(setInterval(renew, 10_000))
  const resources = { cpu: '4', memory: '8Gi', pods: '110' }
  const conditions = [{ type: 'Ready', status: 'True', reason: 'Test', message: '' }]
  const status = { capacity: resources, allocatable: resources, conditions }
  await leaf.client.patch(nodes, { name }, { status }, { type: 'strategic', subresource: 'status' })
}

/** A client of the root; once it has read an object, somebody else does something before it goes on. */
function afterFirstGet(act: () => Promise<void>): Client {
  let acted = false
  return new (class extends Client {
    override async get<T extends KubeObject>(...asked: Parameters<typeof Client.prototype.get<T>>) {
      const found = await super.get<T>(...asked)
      if (!acted) {
        acted = true
        await act()
      }
      return found
    }
  })(root.client.connection, 'kosmos-test')
}

/** The controllers, logged in as the account that install made for them. */
async function runControllers(): Promise<{ process: ChildProcess; output: string[] }> {
  const account = { name: 'clustertree', namespace: systemNamespace }
  const token = await root.client.createFor<{ status: { token: string } }>(serviceAccounts, account, 'token', {})
  assert.ok(token.ok)
  const endpoint = {
    server: root.plane.server,
    certificateAuthority: Buffer.from(root.plane.ca).toString('base64'),
    tlsServerName: undefined,
    proxyUrl: undefined,
  }
  const kubeconfig = path.join(folder, 'clustertree')
  await writeFile(kubeconfig, selfContainedKubeconfig('root', endpoint, token.object.status.token))
  const args = ['--kubeconfig', kubeconfig, '--node-address=127.0.0.1', '--kubelet-port=0', '--https=127.0.0.1:0']
  const child = spawn(process.execPath, [controllers, ...args, '--log-level=debug'])
  const output: string[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => output.push(String(chunk)))
  return { process: child, output }
}

describe('what install creates in the root', () => {
  it('is all that the controllers need, with the account that join makes in the leaf', async () => {
    await install({ root: root.source, timeoutSeconds: 0 }, silent)
    await readyNode('worker')
    const running = await runControllers()
    try {
      const joined = { name: 'leaf1', root: root.source, leaf: leaf.source, timeoutSeconds: 60 }
      assert.deepEqual((await join(joined, silent)).virtualNodes, ['kosmos-leaf1'])

      const ref = { name: 'one', namespace: 'app' }
      await root.client.create(namespaces, { metadata: { name: 'app' } })
      await root.client.create(configMaps, { metadata: ref, ...{ data: { a: 'b' } } })
      await root.client.create(secrets, { metadata: ref, ...{ stringData: { a: 'b' } } })
      const container = {
        name: 'c',
        image: 'i',
        envFrom: [{ configMapRef: { name: 'one' } }, { secretRef: { name: 'one' } }],
      }
      const spec = { nodeName: 'kosmos-leaf1', tolerations: [{ operator: 'Exists' }], containers: [container] }
      await eventually(
        async () => (await root.client.create(pods, { metadata: ref, ...{ spec } })).ok,
        'the pod is made',
      )
      await eventually(() => leaf.client.get(pods, ref), 'the pod is in the leaf')
      await eventually(() => leaf.client.get(secrets, ref), 'its Secret is in the leaf')

      // Its own, and the kubelet API of the virtual node.
      const ports = listeningPorts(running.process.pid ?? 0)
      assert.equal(ports.length, 2, ports.join())
      for (const port of ports) {
        const url = `https://127.0.0.1:${port.replace('tcp ', '')}`
        for (const path of ['/', '/metrics', '/pods']) assert.equal((await askPort(`${url}${path}`)).code, 401, url)
      }

      const findings = await check({ root: root.source }, silent)
      const problems = findings.filter(({ verdict }) => verdict.status === 'problem')
      assert.deepEqual(problems, [])
      const state = (id: string) => findings.find((finding) => finding.id === id)?.verdict.status
      for (const id of ['controller', 'serving-signer', 'virtual-nodes-ready', 'leaf-rights'])
        assert.equal(state(id), 'ok', id)

      for (const dryRun of [true, false]) {
        assert.equal(
          await uninstall({ root: root.source, dryRun }, silent).catch((error) => explain(error).message),
          'there are joined clusters: leaf1',
        )
      }
      const { remains } = await unjoin({ name: 'leaf1', root: root.source, timeoutSeconds: 60 }, silent)
      assert.deepEqual(remains, [])
    } finally {
      const ended = once(running.process, 'exit')
      running.process.kill()
      await ended
    }
    assert.doesNotMatch(running.output.join(''), /forbidden|\b403\b/i)
    await eventually(async () => {
      const { added } = await changesSince(pristine.leaf, leaf.client)
      return added.length === 1 && added[0] === 'Node /worker'
    }, 'the leaf is as it was')
  })

  it('is removed again by uninstall, the kinds of shared Services only when nobody uses them', async () => {
    const app = { name: 'app' }
    await root.client.delete(namespaces, app)
    await eventually(async () => (await root.client.get(namespaces, app)) === undefined, 'what was in it is gone')
    const waiting = { namespace: 'default', name: 'waiting' }
    const spec = { schedulingGates: [{ name: 'kosmos.io/placement' }], containers: [{ name: 'c', image: 'i' }] }
    assert((await root.client.create(pods, { metadata: waiting, ...{ spec } })).ok)
    const ref = { namespace: 'default', name: 'web' }
    assert((await root.client.create(serviceExports, { metadata: ref })).ok)
    const before = await inventory(root.client)
    const foreseen = await uninstall({ root: root.source, dryRun: true }, silent)
    assert.deepEqual(await changesSince(before, root.client), unchanged)
    const first = await uninstall({ root: root.source }, silent)
    assert.deepEqual(foreseen, first)
    const { kept, released } = first
    const used = 'serviceexports.multicluster.x-k8s.io'
    assert.deepEqual(kept, [{ what: `CustomResourceDefinition ${used}`, why: 'ServiceExport default/web is in it' }])
    await root.client.delete(serviceExports, ref)
    const { removed } = await uninstall({ root: root.source }, silent)
    assert.ok(removed.includes(`CustomResourceDefinition ${used}`))
    assert.deepEqual(released, ['default/waiting'])
    assert.equal((await root.client.get(pods, waiting))?.spec.schedulingGates, undefined)
    await root.client.delete(pods, waiting, { gracePeriodSeconds: 0 })
    await eventually(async () => {
      const { added, gone } = await changesSince(pristine.root, root.client)
      return added.filter((text) => !text.startsWith('CertificateSigningRequest ')).length + gone.length === 0
    }, 'the root is as it was')
  })

  it('is looked at again if somebody makes it anew while it is being removed', async () => {
    const ref = { namespace: 'default', name: 'anew' }
    const make = async (labels: Record<string, string>) => {
      await root.client.delete(configMaps, ref)
      assert.ok((await root.client.create(configMaps, { metadata: { ...ref, labels } })).ok)
    }
    const manifest = { apiVersion: 'v1', kind: 'ConfigMap', metadata: ref }
    const byInstall = { [partOf.label]: partOf.value }
    await make(byInstall)
    assert.equal(
      await remove(
        afterFirstGet(() => make(byInstall)),
        manifest,
      ),
      undefined,
    )
    assert.equal(await root.client.get(configMaps, ref), undefined)
    await make(byInstall)
    assert.equal(
      await remove(
        afterFirstGet(() => make({})),
        manifest,
      ),
      'it was not made by install',
    )
    assert.ok(await root.client.get(configMaps, ref))
    await root.client.delete(configMaps, ref)
  })

  it('leaves alone kinds of shared Services that somebody else has, also older ones', async () => {
    const [definition] = await mcsDefinitions({ 'multicluster.x-k8s.io/release-version': 'v0.1.0' })
    const name = definition?.metadata?.name ?? ''
    await root.client.create(customResourceDefinitions, definition as KubeObject)
    const state = async () => (await root.client.get(customResourceDefinitions, { name }))?.spec
    const before = await state()
    const progress = recorded()
    const applied = await install({ root: root.source, crdsOnly: true, timeoutSeconds: 0 }, progress)
    assert.ok(!applied.includes(`CustomResourceDefinition ${name}`))
    assert.match(progress.warnings.join(), /serviceexports.* is somebody else's and older than ours/)
    assert.deepEqual((await uninstall({ root: root.source }, silent)).kept, [])
    assert.deepEqual(await state(), before)
    await eventually(async () => {
      const { added } = await changesSince(pristine.root, root.client)
      return (
        added.filter((text) => !text.startsWith('CertificateSigningRequest ')).join() ===
        `CustomResourceDefinition /${name}`
      )
    }, 'nothing but that kind is left')
  })
})
