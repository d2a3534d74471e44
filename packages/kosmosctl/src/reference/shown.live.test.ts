import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { glob, readFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, it } from 'node:test'
import { ensureBinaries } from '@kosmos/testbed'
import { installDefinitions } from '../install/definitions.ts'
import { installMcsDefinitions, markOfInstall } from '../install/mcs-definitions.ts'
import { liveClusters } from '../live.fixture.ts'
import { type Shown, type ShownObject, shownIn } from './shown.fixture.ts'

const repository = path.resolve(import.meta.dirname, '../../../..')
/** Kinds of others, which this API server has not. */
const foreign = ['PodMonitor']

let kubectl: string
const { cluster } = liveClusters(['cluster'], async ({ cluster }) => {
  kubectl = (await ensureBinaries(['kubectl'])).kubectl ?? ''
  await installDefinitions(cluster.client)
  await installMcsDefinitions(cluster.client, markOfInstall, assert.fail)
})

/** What an API server says against it, with unknown fields as errors; empty if nothing. */
function complaint(args: readonly string[], input: unknown = ''): Promise<string> {
  return new Promise((resolve) => {
    const all = ['--kubeconfig', cluster.plane.kubeconfig, ...args]
    const child = execFile(kubectl, all, (error, _, stderr) => resolve(error || stderr ? stderr || String(error) : ''))
    child.stdin?.end(typeof input === 'string' ? input : JSON.stringify(input))
  })
}

const create = (object: unknown, ...more: string[]) =>
  complaint(['create', '--validate=strict', ...more, '-f', '-'], object)
const tried = (object: unknown) => create(object, '--dry-run=server')

async function namespace(name: string | undefined): Promise<void> {
  const said = name === undefined ? '' : await complaint(['create', 'namespace', name])
  assert.ok(said === '' || said.includes('AlreadyExists'), said)
}

async function filesLike(pattern: string): Promise<string[]> {
  const files: string[] = []
  for await (const file of glob(pattern, { cwd: repository })) files.push(file)
  return files.sort()
}

const asApplied = ['apply', '--server-side', '--force-conflicts', '--dry-run=server', '--validate=strict']
const container = { name: 'main', image: 'image' }
const policy = { topologyKey: 'kosmos.io/cluster', workload: { kind: 'Deployment', name: 'shown' } }
const allocationPolicy = [{ name: 'leaf1', weight: 1 }]

/** What a part of a manifest may be part of. */
function wholes(fields: Readonly<Record<string, unknown>>): ShownObject[] {
  const metadata = { name: 'shown' }
  if (!('spec' in fields)) {
    const { metadata: more, ...spec } = fields
    const whole = { metadata: { ...metadata, ...(more as object) }, spec: { ...spec, containers: [container] } }
    return [{ apiVersion: 'v1', kind: 'Pod', ...whole }]
  }
  const { spec } = fields as { spec: { labelSelector?: unknown } }
  const { workload, ...rest } = policy
  const shares = { allocationPolicy, ...rest, ...(spec.labelSelector === undefined && { workload }), ...spec }
  return [
    { apiVersion: 'kosmos.io/v1alpha1', kind: 'Cluster', metadata, ...{ spec } },
    { apiVersion: 'kosmos.io/v1alpha1', kind: 'WorkloadPolicy', metadata, ...{ spec: shares } },
  ]
}

async function complaintAbout(shown: Shown): Promise<string> {
  switch (shown.kind) {
    case 'manifest':
      await namespace(shown.object.metadata.namespace)
      return foreign.includes(shown.object.kind) ? '' : await tried(shown.object)
    case 'fragment': {
      const said = await Promise.all(wholes(shown.fields).map(tried))
      return said.includes('') ? '' : said.join('')
    }
    case 'patch': {
      const kind = shown.target.startsWith('cluster') ? 'Cluster' : 'WorkloadPolicy'
      const spec = kind === 'Cluster' ? {} : { ...policy, allocationPolicy }
      const existing = { apiVersion: 'kosmos.io/v1alpha1', kind, metadata: { name: shown.name }, spec }
      const made = await create(existing)
      if (made !== '') return made
      const patch = ['patch', shown.target, shown.name, '--type=merge', '--dry-run=server', '-p', shown.patch]
      const said = await complaint(patch)
      // Another page may show how to create it.
      return said + (await complaint(['delete', '-f', '-'], existing))
    }
  }
}

describe('what the documentation tells readers to give to an API server', () => {
  it('is accepted by one, with every field known', async () => {
    const pages = ['README.md', ...(await filesLike('docs/**/*.md'))]
    const complaints: string[] = []
    const counts = { manifest: 0, fragment: 0, patch: 0 }
    for (const page of pages) {
      for (const shown of shownIn(await readFile(path.join(repository, page), 'utf8'))) {
        counts[shown.kind]++
        const said = await complaintAbout(shown)
        if (said !== '') complaints.push(`${page}:${shown.line}: ${said}`)
      }
    }
    assert.deepEqual(complaints, [])
    // Else nothing is read any more.
    assert.ok(counts.manifest >= 10 && counts.fragment >= 5 && counts.patch >= 5, JSON.stringify(counts))
  })
})

describe('every manifest in deploy/', () => {
  it('is accepted by an API server, with every field known', async () => {
    for (const name of ['kosmos-system', 'kosmos-link']) await namespace(name)
    const complaints: string[] = []
    const files = await filesLike('deploy/{*,crds/*,mcs/*,rbac/*}.yaml')
    assert.ok(files.length > 10)
    for (const file of files) {
      // What join and link dns fill in.
      const filledIn = (await readFile(path.join(repository, file), 'utf8')).replaceAll(/<(root|account)>/g, '$1')
      const said = await complaint([...asApplied, '-f', '-'], filledIn)
      if (said !== '') complaints.push(`${file}: ${said}`)
    }
    assert.deepEqual(complaints, [])
  })
})
