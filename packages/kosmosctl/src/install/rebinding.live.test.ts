import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { apiVersion, policyIndexKind, policyIndexNames, systemNamespace } from '@kosmos/api'
import { type KubeObject, namespaces, pods, resource, serviceAccounts } from '@kosmos/kube'
import { isGated } from '@kosmos/scheduler'
import { ensureBinaries } from '@kosmos/testbed'
import { loadAll } from 'js-yaml'
import { applyTo } from '../clusters/own.ts'
import { resourceOf } from '../clusters/resource-of.ts'
import { type Manifest, mutatingAdmissionPolicyBindings } from '../clusters/resources.ts'
import { liveClusters } from '../live.fixture.ts'
import { silent } from '../terminal/progress.ts'
import { install } from './install.ts'

const run = promisify(execFile)
const namespace = 'shop'
const manifest = new URL('../../../../deploy/admission.yaml', import.meta.url)

/** Bindings named their indexes until ADR 60, and policies did not ask for the name. */
function beforeAdr60(today: string): string {
  const named = Object.values(policyIndexNames).reduce(
    (text, name) => text.replace('    selector: {}\n', `    name: ${name}\n`),
    today.replaceAll(/ +params\.metadata\.name (==|in) .*\n +&&\n/g, ''),
  )
  assert.doesNotMatch(named, /selector: \{\}|params\.metadata\.name (==|in) '/)
  return named
}

describe('install over bindings of admission that name their index', () => {
  const { root } = liveClusters(['root'])
  let folder: string
  let today: readonly Manifest[]
  let old: readonly Manifest[]
  let kubectl: (...args: string[]) => Promise<unknown>
  let helm: (...args: string[]) => Promise<unknown>

  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'kosmos-rebinding-'))
    const text = await readFile(manifest, 'utf8')
    await writeFile(path.join(folder, 'today.yaml'), text)
    await writeFile(path.join(folder, 'old.yaml'), beforeAdr60(text))
    today = loadAll(text) as Manifest[]
    old = loadAll(beforeAdr60(text)) as Manifest[]
    const binaries = await ensureBinaries(['kubectl', 'helm'])
    const env = { ...process.env, KUBECONFIG: root.plane.kubeconfig, HOME: folder }
    kubectl = (...args) => run(binaries.kubectl, args, { env, cwd: folder })
    helm = (...args) => run(binaries.helm, args, { env, cwd: folder })
    await install({ root: root.source, crdsOnly: true }, silent)
    for (const name of [namespace, systemNamespace]) await root.client.create(namespaces, { metadata: { name } })
    while (!(await root.client.get(serviceAccounts, { namespace, name: 'default' }))) await sleep(20)
    const indexes = resource(apiVersion, policyIndexKind.kind, policyIndexKind.plural, policyIndexKind.scope)
    for (const [kind, name] of Object.entries(policyIndexNames)) {
      const labelSelector = { matchLabels: { kind } }
      const entries =
        kind === 'WorkloadPolicy'
          ? { policies: [{ name: 'a', labelSelector }] }
          : { policies: [], distributions: [{ policy: 'a', labelSelector }] }
      const scope = kind === 'ClusterDistributionPolicy' ? systemNamespace : namespace
      const outcome = await root.client.apply(indexes, { metadata: { namespace: scope, name }, ...{ spec: entries } })
      assert(outcome.ok, JSON.stringify(outcome))
    }
  })
  after(async () => {
    await rm(folder, { recursive: true, force: true })
  })

  /** Whether a pod that the index of a kind selects would be gated now. */
  const isGatedBy = async (kind: string) => {
    const labels = { kind }
    const pod = { metadata: { namespace, name: 'web', labels }, spec: { containers: [{ name: 'a', image: 'a' }] } }
    const outcome = await root.client.create(pods, pod as KubeObject, { dryRun: true })
    assert(outcome.ok, JSON.stringify(outcome))
    return isGated(outcome.object)
  }

  const paramRefs = async () => {
    const stored = await root.client.listAll(mutatingAdmissionPolicyBindings)
    return stored.map(({ metadata, ...rest }) => [metadata.name, (rest as unknown as Binding).spec.paramRef])
  }
  interface Binding {
    readonly spec: { readonly paramRef?: object }
  }
  const refsOf = (manifests: readonly Manifest[]) =>
    manifests
      .filter(({ kind }) => kind === mutatingAdmissionPolicyBindings.kind)
      .map((one) => [one.metadata?.name, (one as unknown as Binding).spec.paramRef])
      .toSorted(([a], [b]) => (`${a}` < `${b}` ? -1 : 1))

  const chart = async (text: string) => {
    await run('mkdir', ['-p', path.join(folder, 'chart/templates')])
    await writeFile(path.join(folder, 'chart/Chart.yaml'), 'apiVersion: v2\nname: kosmos\nversion: 0.0.1\n')
    await writeFile(path.join(folder, 'chart/templates/admission.yaml'), await readFile(path.join(folder, text)))
    await helm('upgrade', '--install', 'kosmos', 'chart')
  }
  const kosmosctl = async () => void (await install({ root: root.source, timeoutSeconds: 0 }, silent))
  const byKosmosctl = async () => {
    for (const one of old) await applyTo(root.client, one)
  }
  const byKubectl = () => kubectl('apply', '-f', 'old.yaml')
  const ways: Record<string, readonly [old: () => Promise<unknown>, today: () => Promise<unknown>]> = {
    'by kosmosctl': [byKosmosctl, kosmosctl],
    'by kubectl apply': [byKubectl, () => kubectl('apply', '-f', 'today.yaml')],
    'by kubectl apply on the server': [
      () => kubectl('apply', '--server-side', '-f', 'old.yaml'),
      () => kubectl('apply', '--server-side', '-f', 'today.yaml'),
    ],
    'by kubectl replace': [byKubectl, () => kubectl('replace', '-f', 'today.yaml')],
    'by helm': [() => chart('old.yaml'), () => chart('today.yaml')],
    'by kosmosctl, of what kubectl has applied': [byKubectl, kosmosctl],
    // Without these words it never takes away what it has not written itself, and the API server refuses both at once.
    'by kubectl apply on the server with force, of what kosmosctl has installed': [
      byKosmosctl,
      () => kubectl('apply', '--server-side', '--force-conflicts', '-f', 'today.yaml'),
    ],
    'by kosmosctl, of what helm has installed': [() => chart('old.yaml'), kosmosctl],
  }
  for (const [how, [before, upgrade]] of Object.entries(ways)) {
    it(`${how}: leaves those of today, and gates each pod meanwhile`, async () => {
      await before()
      assert.deepEqual(await paramRefs(), refsOf(old))
      const kinds = Object.keys(policyIndexNames)
      for (const kind of kinds) while (!(await isGatedBy(kind))) await sleep(20)
      const stopping = new AbortController()
      const ungated: string[] = []
      const asking = kinds.map(async (kind) => {
        while (!stopping.signal.aborted) if (!(await isGatedBy(kind))) ungated.push(kind)
      })
      try {
        await upgrade()
        assert.deepEqual(await paramRefs(), refsOf(today))
        // Admission of the API server hears of bindings by a watch.
        for (let i = 0; i < 20; i++) for (const kind of kinds) if (!(await isGatedBy(kind))) ungated.push(kind)
      } finally {
        stopping.abort()
        await Promise.all(asking)
        await helm('uninstall', '--ignore-not-found', 'kosmos')
        for (const one of today.toReversed()) {
          await root.client.delete(resourceOf(one), { name: one.metadata?.name ?? '', namespace: undefined })
        }
        for (const kind of kinds) while (await isGatedBy(kind)) await sleep(20)
      }
      assert.deepEqual(ungated, [])
    })
  }
})
