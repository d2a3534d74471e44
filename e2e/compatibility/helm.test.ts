import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { installManifests } from '@kosmos/kosmosctl'
import {
  Client,
  Connection,
  type CustomResourceDefinition,
  createTransport,
  customResourceDefinitions,
  describeObject,
  type KubeObject,
  loadKubeConfig,
} from '@kosmos/kube'
import { type ControlPlane, ensureBinaries, startControlPlane } from '@kosmos/testbed'
import { loadAll } from 'js-yaml'

const run = promisify(execFile)
const deploy = path.resolve(import.meta.dirname, '../../deploy')
const chart = path.join(deploy, 'charts/kosmos')
const serviceKinds = ['serviceexports', 'serviceimports'].map((plural) => `${plural}.multicluster.x-k8s.io`)
const [exports_ = '', imports = ''] = serviceKinds

describe('the chart of Kosmos, installed by Helm', () => {
  let plane: ControlPlane
  let client: Client
  let home: string
  let helm: (...args: string[]) => Promise<string>

  before(async () => {
    const bin = await ensureBinaries(['helm'])
    home = await mkdtemp(path.join(os.tmpdir(), 'kosmos-helm-'))
    plane = await startControlPlane({ name: 'helm' })
    client = new Client(
      new Connection('helm', await createTransport(loadKubeConfig({ file: plane.kubeconfig }))),
      'scenario',
    )
    const env = { ...process.env, HOME: home, KUBECONFIG: plane.kubeconfig, HELM_NAMESPACE: 'kosmos-system' }
    helm = async (...args) => (await run(bin.helm, args, { env, maxBuffer: 2 ** 26 })).stdout
  })
  after(async () => {
    await client?.connection.close()
    await plane?.stop()
    if (home) await rm(home, { recursive: true, force: true })
  })

  const definition = (name: string) => client.get(customResourceDefinitions, { name })
  const mustDefine = async (name: string): Promise<CustomResourceDefinition> => {
    const found = await definition(name)
    assert.ok(found, name)
    return found
  }
  /** Which of the two are part of the release. */
  const written = async () => serviceKindsIn(await helm('get', 'manifest', 'kosmos'))
  const install = (from = chart, ...args: string[]) =>
    helm('upgrade', '--install', 'kosmos', from, '--create-namespace', ...args)

  it('is right by its own linter', async () => {
    assert.match(await helm('lint', '--strict', chart), /1 chart\(s\) linted, 0 chart\(s\) failed/)
  })

  it('refuses values that it has not, or that would not do', async () => {
    for (const [value, why] of [
      ['replica=3', /'replica' not allowed/],
      ['logLevel=loud', /logLevel/],
      ['image=', /image/],
      ['image=null', /image/],
      ['schedulerReplicas=1.5', /schedulerReplicas/],
    ] as const)
      await assert.rejects(helm('template', 'kosmos', chart, '--set', value), { stderr: why })
  })

  it('is what kosmosctl installs, for a root with admission policies and for one without', async () => {
    const policies = 'admissionregistration.k8s.io/v1/MutatingAdmissionPolicy'
    const shared = serviceKinds.map((name) => {
      const [plural, ...group] = name.split('.')
      return path.join(deploy, 'mcs', `${group.join('.')}_${plural}.yaml`)
    })
    const mcs = (await Promise.all(shared.map((file) => readFile(file, 'utf8')))).flatMap((text) => loadAll(text))
    const all = [...((await installManifests()) as KubeObject[]), ...(mcs as KubeObject[])]
    for (const [args, needless] of [
      [['--api-versions', policies], /^(Namespace |MutatingWebhookConfiguration |Service .*scheduler-webhook)/],
      [[], /^(Namespace |MutatingAdmissionPolicy)/],
    ] as const) {
      const rendered = loadAll(await helm('template', 'kosmos', chart, ...args)).filter(Boolean) as KubeObject[]
      const wanted = all.filter((one) => !needless.test(describeObject(one)))
      assert.deepEqual(byName(rendered.map(withoutPolicy)), byName(wanted))
    }
  })

  it('leaves ServiceExport and ServiceImport out when it is told so, where it cannot look', async () => {
    const render = (...args: string[]) => helm('template', 'kosmos', chart, ...args)
    assert.deepEqual(serviceKindsIn(await render()), serviceKinds)
    assert.deepEqual(serviceKindsIn(await render('--set', 'multiClusterServiceKinds=false')), [])
  })

  it('brings them to a root that has none, and to the next version', async () => {
    const older = path.join(home, 'older')
    await cp(chart, older, { recursive: true })
    const template = path.join(older, 'templates', `mcs-multicluster.x-k8s.io_serviceexports.yaml`)
    const text = await readFile(template, 'utf8')
    await writeFile(template, text.replace(/release-version: .*/, 'release-version: v0.0.1'))
    await install(older)
    assert.deepEqual(await written(), serviceKinds)
    const version = async () => (await mustDefine(exports_)).metadata.labels?.[VERSION]
    assert.equal(await version(), 'v0.0.1')
    await install()
    assert.match(text, new RegExp(`${VERSION}: "${await version()}"`))
  })

  it('leaves all kinds where they are when it is uninstalled or told so, and takes them up again', async () => {
    const before = await Promise.all(serviceKinds.map(mustDefine))
    await install(chart, '--set', 'multiClusterServiceKinds=false')
    assert.deepEqual(await written(), [])
    await helm('uninstall', 'kosmos')
    for (const { metadata } of before) {
      const found = await mustDefine(metadata.name)
      assert.deepEqual([found.metadata.uid, found.metadata.deletionTimestamp], [metadata.uid, undefined])
    }
    await mustDefine('clusters.kosmos.io')
    await install()
    assert.deepEqual(await written(), serviceKinds)
    await helm('uninstall', 'kosmos')
  })

  it('changes nothing of one that somebody else has brought, neither then nor later', async () => {
    const { metadata: _, status: __, ...theirs } = await mustDefine(exports_)
    await client.delete(customResourceDefinitions, { name: exports_ })
    for (let left = 100; (await definition(exports_)) !== undefined && left > 0; left--) {
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    const metadata = { name: exports_, labels: { 'app.kubernetes.io/managed-by': 'somebody' } }
    await client.create(customResourceDefinitions, { ...theirs, metadata } as KubeObject)
    const seen = async () => {
      const { uid, generation, labels, annotations } = (await mustDefine(exports_)).metadata
      return { uid, generation, labels, annotations }
    }
    const before = await seen()
    for (let i = 0; i < 2; i++) {
      await install()
      assert.deepEqual(await written(), [imports])
      assert.deepEqual(await seen(), before)
    }
    await helm('uninstall', 'kosmos')
    assert.deepEqual(await seen(), before)
  })
})

function serviceKindsIn(manifests: string): string[] {
  const names = (loadAll(manifests) as KubeObject[]).flatMap((one) => one?.metadata?.name ?? [])
  return serviceKinds.filter((name) => names.includes(name))
}

const VERSION = 'multicluster.x-k8s.io/release-version'

function withoutPolicy({ metadata = {}, ...rest }: KubeObject): KubeObject {
  const { 'helm.sh/resource-policy': _, ...annotations } = metadata.annotations ?? {}
  const { annotations: __, ...others } = metadata
  return { ...rest, metadata: { ...others, ...(Object.keys(annotations).length > 0 && { annotations }) } }
}

const byName = (objects: readonly KubeObject[]) =>
  Object.fromEntries(
    objects.map((object) => [describeObject(object), object] as const).sort(([a], [b]) => (a < b ? -1 : 1)),
  )
