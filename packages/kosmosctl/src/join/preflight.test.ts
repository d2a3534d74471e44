import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ApiError, ClusterUnreachable } from '@kosmos/kube'
import { leafIdAnnotation } from '../clusters/names.ts'
import { isProblem, judge } from '../findings/finding.ts'
import type { ClusterFacts, JoinFacts, LeafFacts, Reached, RootFacts } from './facts.ts'
import { type ModelChoice, modelChoice, parseGroup, parseNodeSelector } from './leaf-models.ts'
import { joinChecks } from './preflight.ts'

const server = { root: 'https://root.example:6443/', leaf: 'https://leaf.example:6443/' }

interface Differences {
  readonly name?: string
  readonly installCrds?: boolean
  readonly serverOverride?: string
  readonly model?: ModelChoice
  readonly link?: boolean
  readonly tree?: boolean
  readonly leaf?: Partial<Reached & LeafFacts> | { readonly error: unknown }
  readonly root?: Partial<Reached & RootFacts> | { readonly error: unknown }
  readonly leafServer?: string
  readonly rootServer?: string
}

const facts = (differences: Differences = {}): JoinFacts => {
  const common = { version: 'v1.37.2', clockOffsetMs: 0, missingRights: [] }
  const leaf = {
    ...common,
    id: 'leaf-id',
    unverified: false,
    roleRefusal: undefined,
    nodes: undefined,
    linkedBy: undefined,
  }
  const root: Reached & RootFacts = { ...common, id: 'root-id', definition: 'current', clusters: [], nodes: [] }
  const found = <T>(usual: T, different: Partial<T> | { error: unknown } = {}) =>
    ('error' in different ? different : { ...usual, ...different }) as ClusterFacts<T>['found']
  return {
    name: differences.name ?? 'leaf1',
    installCrds: differences.installCrds ?? true,
    serverOverride: differences.serverOverride,
    model: differences.model,
    link: differences.link ?? false,
    tree: differences.tree,
    root: { server: differences.rootServer ?? server.root, found: found(root, differences.root) as never },
    leaf: { server: differences.leafServer ?? server.leaf, found: found(leaf, differences.leaf) as never },
  }
}

const problems = (differences: Differences) =>
  judge(joinChecks, facts(differences))
    .filter(isProblem)
    .map(({ id, verdict }) => [id, verdict.what] as const)

const verdictOf = (id: string, differences: Differences) =>
  judge(joinChecks, facts(differences)).find((finding) => finding.id === id)?.verdict

const cluster = (name: string, leafId: string | undefined, deleting = false) => ({
  name,
  annotations: leafId === undefined ? {} : { [leafIdAnnotation]: leafId },
  deleting,
  leafModels: undefined,
})

describe('the preflight of a join', () => {
  it('finds nothing to complain about when all is well', () => {
    for (const { id, verdict } of judge(joinChecks, facts())) assert.equal(verdict.status, 'ok', id)
  })

  it('names all problems at once, each with a fix', () => {
    const found = judge(joinChecks, facts({ name: 'Bad_Name', leaf: { version: 'v1.20.1', clockOffsetMs: 600_000 } }))
    const wrong = found.filter(isProblem)
    assert.deepEqual(
      wrong.map(({ id }) => id),
      ['name', 'leaf-version', 'leaf-clock'],
    )
    for (const { verdict } of wrong) assert.ok('fix' in verdict && verdict.fix.length > 0)
  })

  it('refuses a leaf that is too old with its version and the oldest possible', () => {
    assert.deepEqual(problems({ leaf: { version: 'v1.28.15+k3s1' } }), [
      ['leaf-version', 'the leaf runs Kubernetes v1.28.15+k3s1, and 1.29.0 is the oldest that can be joined'],
    ])
    assert.deepEqual(problems({ leaf: { version: 'v1.29.0-eks-1234' } }), [])
  })

  it('warns of versions that are far apart', () => {
    const verdict = verdictOf('leaf-version', { leaf: { version: 'v1.31.0' } })
    assert.equal(verdict?.status, 'warning')
    assert.match(verdict?.what ?? '', /6 minor versions apart/)
  })

  it('refuses the root as its own leaf, whatever address it is given by', () => {
    assert.deepEqual(
      problems({ leaf: { id: 'root-id' } }).map(([id]) => id),
      ['leaf-is-not-root'],
    )
  })

  it('lets the root link itself without virtual nodes, however it is reached from here', () => {
    const itself = { leaf: { id: 'root-id', unverified: true }, leafServer: 'https://127.0.0.1:6443/', link: true }
    assert.deepEqual(problems({ ...itself, tree: false }), [])
    assert.deepEqual(
      problems(itself).map(([id]) => id),
      ['leaf-is-not-root'],
    )
    const known = { ...cluster('leaf1', 'root-id'), tree: false }
    assert.deepEqual(problems({ ...itself, root: { clusters: [known] } }), [])
  })

  it('takes over a Cluster that somebody has made for the root, and refuses the root under a second name', () => {
    const itself = { leaf: { id: 'root-id' }, link: true, tree: false }
    const byHand = (name: string) => ({
      ...cluster(name, undefined),
      annotations: { 'kosmos.io/cluster-role': 'root' },
    })
    assert.deepEqual(problems({ ...itself, root: { clusters: [byHand('leaf1')] } }), [])
    assert.deepEqual(problems({ ...itself, root: { clusters: [byHand('home')] } }), [
      ['not-joined', 'the leaf is joined already, as "home"'],
    ])
    assert.deepEqual(problems({ link: true, root: { clusters: [byHand('home')] } }), [])
  })

  it('refuses a name that another cluster has, and one that is on its way out', () => {
    const taken = (one: ReturnType<typeof cluster>) => problems({ root: { clusters: [one] } })
    assert.match(taken(cluster('leaf1', 'other-id'))[0]?.[1] ?? '', /"leaf1" is taken by another cluster/)
    assert.match(taken(cluster('leaf1', undefined))[0]?.[1] ?? '', /"leaf1" is taken by another cluster/)
    assert.match(taken(cluster('leaf1', 'leaf-id', true))[0]?.[1] ?? '', /being removed/)
  })

  it('refuses to link what another root has linked, and lets it join all the same', () => {
    const leaf = { linkedBy: 'other-root' }
    assert.match(problems({ link: true, leaf })[0]?.[1] ?? '', /linked by another root \(.*other-root\)/)
    assert.deepEqual(problems({ leaf }), [])
    assert.deepEqual(problems({ link: true, leaf: { linkedBy: 'root-id' } }), [])
  })

  it('lets a join that stopped half-way go on', () => {
    assert.deepEqual(problems({ root: { clusters: [cluster('leaf1', 'leaf-id')] } }), [])
  })

  it('refuses a leaf that is joined under another name, and says which', () => {
    assert.deepEqual(problems({ root: { clusters: [cluster('prod', 'leaf-id')] } }), [
      ['not-joined', 'the leaf is joined already, as "prod"'],
    ])
  })

  it('names the rights that are missing', () => {
    const missingRights = [
      { verb: 'create', group: 'rbac.authorization.k8s.io', resource: 'clusterroles' },
      { verb: 'create', resource: 'serviceaccounts', subresource: 'token', namespace: 'kosmos-system' },
    ]
    assert.deepEqual(problems({ leaf: { missingRights } }), [
      [
        'leaf-rights',
        'the credentials for the leaf may not create clusterroles.rbac.authorization.k8s.io, create serviceaccounts/token in kosmos-system',
      ],
    ])
    assert.match(problems({ leaf: { roleRefusal: 'attempting to grant' } })[0]?.[1] ?? '', /attempting to grant/)
  })

  it('warns of clocks that differ by seconds and refuses minutes', () => {
    assert.equal(verdictOf('leaf-clock', { leaf: { clockOffsetMs: 5_000 } })?.status, 'ok')
    assert.equal(verdictOf('leaf-clock', { leaf: { clockOffsetMs: -20_000 } })?.status, 'warning')
    const verdict = verdictOf('leaf-clock', { leaf: { clockOffsetMs: -360_000 } })
    assert.equal(verdict?.status, 'problem')
    assert.match(verdict?.what ?? '', /360 s behind/)
    assert.equal(verdictOf('root-clock', { root: { clockOffsetMs: undefined } })?.status, 'skipped')
  })

  it('refuses a leaf whose certificate nobody verifies', () => {
    assert.deepEqual(
      problems({ leaf: { unverified: true } }).map(([id]) => id),
      ['leaf-certificate'],
    )
  })

  it('tells an unreachable leaf from one that is not trusted and one that does not accept the login', () => {
    const unreachable = (code: string) =>
      new ClusterUnreachable('leaf', server.leaf, Object.assign(new Error('what it said'), { code }))
    const first = (error: unknown) => problems({ leaf: { error } })
    assert.deepEqual(first(unreachable('ECONNREFUSED')), [
      ['leaf-reachable', `the leaf at ${server.leaf} cannot be reached from this machine: what it said (ECONNREFUSED)`],
    ])
    assert.match(first(unreachable('DEPTH_ZERO_SELF_SIGNED_CERT'))[0]?.[1] ?? '', /is not trusted/)
    const unauthorized = new ApiError('leaf', { method: 'GET', path: '/version' }, 401, { status: 'Failure' })
    assert.match(first(unauthorized)[0]?.[1] ?? '', /does not accept the credentials/)
  })

  it('still looks at the rest when one side cannot be asked', () => {
    const found = judge(joinChecks, facts({ name: 'X', leaf: { error: new Error('gone') } }))
    assert.deepEqual(
      found.filter(isProblem).map(({ id }) => id),
      ['name', 'leaf-reachable'],
    )
    assert.equal(found.find(({ id }) => id === 'root-version')?.verdict.status, 'ok')
    assert.equal(found.find(({ id }) => id === 'leaf-version')?.verdict.status, 'skipped')
  })

  it('refuses a loopback address that the controllers cannot use, and warns where they might', () => {
    const loopback = { leafServer: 'https://127.0.0.1:6443/' }
    assert.equal(verdictOf('leaf-address', loopback)?.status, 'problem')
    const here = { ...loopback, rootServer: 'https://localhost:1/' }
    assert.equal(verdictOf('leaf-address', here)?.status, 'warning')
    assert.equal(verdictOf('leaf-address', { ...here, serverOverride: loopback.leafServer })?.status, 'ok')
    assert.equal(verdictOf('leaf-address', { ...loopback, serverOverride: loopback.leafServer })?.status, 'problem')
    assert.equal(verdictOf('leaf-address', { ...loopback, serverOverride: 'https://leaf.example' })?.status, 'ok')
    assert.equal(verdictOf('leaf-address', { serverOverride: 'leaf.example:6443' })?.status, 'problem')
  })

  it('needs the kind Cluster in the root only when it may not install it', () => {
    assert.deepEqual(problems({ root: { definition: 'missing' } }), [])
    assert.deepEqual(
      problems({ root: { definition: 'missing' }, installCrds: false }).map(([id]) => id),
      ['root-crds'],
    )
  })

  describe('of virtual nodes that are chosen', () => {
    const nodes = [
      { name: 'worker-1', labels: { pool: 'gpu' } },
      { name: 'worker-2', labels: {} },
    ]
    const every: ModelChoice = { kind: 'node', selector: parseNodeSelector('') }
    const gpu = modelChoice({ group: parseGroup('gpu=pool=gpu') }) as ModelChoice

    it('is content with nodes and groups that the leaf has', () => {
      for (const model of [every, gpu, { kind: 'cluster' } as const]) {
        for (const { id, verdict } of judge(joinChecks, facts({ model, leaf: { nodes } }))) {
          assert.equal(verdict.status, 'ok', id)
        }
      }
    })

    it('refuses labels that no node has, and more nodes than a Cluster may describe', () => {
      const model = { kind: 'node', selector: parseNodeSelector('pool=web') } as const
      assert.deepEqual(problems({ model, leaf: { nodes } }), [
        ['leaf-nodes', 'the leaf has no node with the labels pool=web'],
      ])
      const many = Array.from({ length: 1_001 }, (_, i) => ({ name: `worker-${i}`, labels: {} }))
      assert.match(problems({ model: every, leaf: { nodes: many } })[0]?.[1] ?? '', /1001 nodes .*at most 1000/)
    })

    it('warns of a group that has no nodes yet', () => {
      const verdict = verdictOf('leaf-nodes', { model: gpu, leaf: { nodes: [] } })
      assert.equal(verdict?.status, 'warning')
      assert.match(verdict?.what ?? '', /group "gpu" \(pool=gpu\)/)
    })

    it('refuses names that nodes of the root have, unless they are its own', () => {
      const named = (name: string, cluster?: string) => [{ name, cluster }]
      const leaf = { nodes }
      const taken = (model: ModelChoice | undefined, root: { name: string; cluster: string | undefined }[]) =>
        problems({ ...(model && { model }), leaf, root: { nodes: root } }).map(([id, what]) => `${id}: ${what}`)
      assert.deepEqual(taken(every, named('worker-2')), [
        'node-names: the root has a node of the name worker-2 already',
      ])
      assert.deepEqual(taken(gpu, named('kosmos-gpu-0', 'leaf2')), [
        'node-names: Cluster "leaf2" has a virtual node of the name kosmos-gpu-0 already',
      ])
      assert.deepEqual(taken(undefined, named('kosmos-leaf1')), [
        'node-names: the root has a node of the name kosmos-leaf1 already',
      ])
      assert.deepEqual(taken(every, named('worker-2', 'leaf1')), [])
      assert.deepEqual(taken(gpu, named('worker-2')), [])
    })

    it('lets the credentials of a joined leaf be renewed all the same', () => {
      const root = { nodes: [{ name: 'kosmos-leaf1', cluster: undefined }], clusters: [cluster('leaf1', 'leaf-id')] }
      assert.deepEqual(problems({ root }), [])
      assert.equal(verdictOf('node-names', { root })?.status, 'warning')
    })
  })
})
