import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { before, describe, it } from 'node:test'
import type { Rule } from '../check/rules.ts'
import { deployedManifests } from '../install/deploy-folder.ts'
import { leafManifests, leafManifestsFor } from './leaf-manifests.ts'

const rootId = '24811f40-c970-4e44-8c3b-0a1b2c3d4e5f'
let manifests: ReturnType<typeof leafManifests>
before(async () => {
  manifests = leafManifests(await deployedManifests('rbac/leaf.yaml'), rootId)
})
const rulesOf = (kind: string) => manifests.find((manifest) => manifest.kind === kind)?.rules as Rule[]

describe('what join creates in a leaf', () => {
  it('is one account with two roles, in a namespace of its own', () => {
    const names = manifests.map(({ kind, metadata }) => `${kind} ${metadata?.namespace ?? ''}/${metadata?.name}`)
    assert.deepEqual(names, [
      'Namespace /kosmos-system',
      'ServiceAccount kosmos-system/kosmos-24811f40c970',
      'ClusterRole /kosmos-24811f40c970',
      'ClusterRoleBinding /kosmos-24811f40c970',
      'Role kosmos-system/kosmos-24811f40c970',
      'RoleBinding kosmos-system/kosmos-24811f40c970',
    ])
  })

  it("carries the root's identity everywhere", () => {
    for (const { metadata } of manifests) assert.equal(metadata?.labels?.['kosmos.io/root-cluster'], rootId)
    assert.ok(!JSON.stringify(manifests).includes('<root>'))
  })

  it('grants nothing by wildcard', () => {
    for (const rule of [...rulesOf('ClusterRole'), ...rulesOf('Role')]) {
      for (const list of [rule.verbs, rule.apiGroups ?? [], rule.resources ?? []]) assert.ok(!list.includes('*'))
    }
  })

  it('changes no node, no role of others, and gives out no token but its own', () => {
    const verbsOn = (resource: string) =>
      [...rulesOf('ClusterRole'), ...rulesOf('Role')]
        .filter((rule) => rule.resources?.includes(resource) && !rule.resourceNames)
        .flatMap(({ verbs }) => verbs)
        .filter((verb) => !['get', 'list', 'watch'].includes(verb))
    for (const resource of ['nodes', 'clusterroles', 'clusterrolebindings', 'roles', 'serviceaccounts']) {
      assert.deepEqual(verbsOn(resource), [], resource)
    }
    assert.deepEqual(verbsOn('serviceaccounts/token'), [])
  })

  it('says for every rule what it is for', async () => {
    for (const path of ['leaf.yaml', 'leaf-link.yaml', 'clustertree.yaml', 'clusterlink.yaml']) {
      const text = await readFile(new URL(`../../../../deploy/rbac/${path}`, import.meta.url), 'utf8')
      for (const rules of text.matchAll(/^rules:\n(.*\n)/gm)) assert.match(rules[1] ?? '', /^ {2}# /)
    }
  })
})

describe('what join --link creates in a cluster', async () => {
  const linked = await leafManifestsFor('east', rootId, { tree: false, link: true })
  const allRules = (kind: string) =>
    linked.filter((manifest) => manifest.kind === kind).flatMap(({ rules }) => rules as Rule[])

  it('is the kind NodeConfig, the agents in a namespace of their own, and rights for both sides', () => {
    const kinds = new Map(linked.map(({ kind, metadata }) => [`${kind} ${metadata?.name}`, metadata?.namespace]))
    assert.ok(kinds.has('CustomResourceDefinition nodeconfigs.kosmos.io'))
    assert.equal(kinds.get('DaemonSet kosmos-link-agent'), 'kosmos-link')
    assert.ok(kinds.has('ClusterRole kosmos-24811f40c970-link'))
    assert.ok(kinds.has('ValidatingAdmissionPolicy kosmos-link-agent'))
  })

  it('carries the identity of the root and the name of the Cluster', () => {
    for (const { metadata } of linked) assert.equal(metadata?.labels?.['kosmos.io/root-cluster'], rootId)
    const text = JSON.stringify(linked)
    assert.ok(!/<(root|cluster)>/.test(text))
    assert.ok(text.includes('--node-config=east-$(NODE_NAME)'))
  })

  it('grants nothing by wildcard, and without virtual nodes nothing about pods, Secrets, and ConfigMaps that it does not name', () => {
    const rules = [...allRules('ClusterRole'), ...allRules('Role')]
    for (const rule of rules) {
      for (const list of [rule.verbs, rule.apiGroups ?? [], rule.resources ?? []]) assert.ok(!list.includes('*'))
    }
    const resources = new Set(rules.flatMap((rule) => (rule.resourceNames ? [] : (rule.resources ?? []))))
    for (const closed of ['pods', 'secrets', 'configmaps']) assert.ok(!resources.has(closed), closed)
  })

  it('lets the account write no Services but those with the id of its root', () => {
    const [policy] = linked.filter(
      ({ kind, metadata }) => kind === 'ValidatingAdmissionPolicy' && metadata?.name === 'kosmos-24811f40c970-link',
    )
    const text = JSON.stringify(policy)
    assert.match(text, /serviceaccount:kosmos-system:kosmos-24811f40c970'/)
    for (const resource of ['services', 'endpointslices', 'serviceimports'])
      assert.match(text, new RegExp(`"${resource}"`))
  })
})
