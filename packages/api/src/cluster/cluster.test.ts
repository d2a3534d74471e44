import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { jsonSchema } from '../schema/json.ts'
import { valuesOf } from '../testing/arbitrary.ts'
import { originalManifests } from '../testing/manifests.ts'
import { defaultCluster, hasClusterTree, isRootCluster, validateCluster } from './cluster.ts'
import { clusterSpec } from './spec.ts'

const cluster = (spec: unknown, name = 'leaf-a') => ({
  apiVersion: 'kosmos.io/v1alpha1',
  kind: 'Cluster',
  metadata: { name },
  spec,
})
const goodSpecs = valuesOf(jsonSchema(clusterSpec))
const oddSpecs = valuesOf(jsonSchema(clusterSpec), 12)

/** Asserts that everything in `part` stands unchanged in `whole`; null means not set. */
function assertKept(part: unknown, whole: unknown, path = 'spec'): void {
  if (part === null || part === undefined) return
  if (Array.isArray(part)) {
    assert.ok(Array.isArray(whole) && whole.length === part.length, path)
    for (const [index, item] of part.entries()) {
      if (item === null) assert.equal(whole[index], null)
      assertKept(item, whole[index], `${path}[${index}]`)
    }
  } else if (typeof part === 'object') {
    assert.ok(typeof whole === 'object' && whole !== null, path)
    for (const [key, value] of Object.entries(part)) {
      assertKept(value, (whole as Record<string, unknown>)[key], `${path}.${key}`)
    }
  } else {
    assert.equal(whole, part, path)
  }
}

describe('the defaults of a Cluster', () => {
  it('are those of the original Kosmos, and Kubernetes’ own behaviour for what it had not', () => {
    const { spec } = defaultCluster(cluster({ clusterLinkOptions: {}, clusterTreeOptions: {} }))
    assert.deepEqual(spec, {
      namespace: 'kosmos-system',
      clusterLinkOptions: {
        enable: true,
        cni: 'calico',
        networkType: 'p2p',
        ipFamily: 'all',
        useIPPool: false,
        localCIDRs: { ip: '210.0.0.0/8', ip6: '9480::/16' },
        bridgeCIDRs: { ip: '220.0.0.0/8', ip6: '9470::/16' },
        defaultNICName: '*',
      },
      clusterTreeOptions: {
        enable: true,
        onLeafLoss: 'Evict',
        failoverAfterSeconds: 300,
        leafDisruption: 'Fail',
        leafAPIAccess: 'Denied',
        nodeTaint: 'NoSchedule',
      },
    })
  })

  it('do not turn on a module that the manifest does not mention', () => {
    assert.deepEqual(defaultCluster(cluster({})).spec, { namespace: 'kosmos-system' })
  })

  it('find the kubeconfig in the namespace of Kosmos under the key kubeconfig', () => {
    assert.deepEqual(defaultCluster(cluster({ credentialsSecretRef: { name: 'leaf-a' } })).spec.credentialsSecretRef, {
      namespace: 'kosmos-system',
      name: 'leaf-a',
      key: 'kubeconfig',
    })
  })

  it('leave the given object alone, keep whatever is set and change nothing the second time', () => {
    fc.assert(
      fc.property(fc.oneof(goodSpecs, oddSpecs), (spec) => {
        const before = structuredClone(spec)
        const once = defaultCluster(cluster(spec))
        assert.deepEqual(spec, before)
        assertKept(spec, once.spec)
        assert.deepEqual(defaultCluster(once), once)
      }),
    )
  })
})

describe('validating a Cluster', () => {
  it('accepts everything that obeys the schema', () => {
    fc.assert(fc.property(goodSpecs, (spec) => assert.deepEqual(validateCluster(cluster(spec)), [])))
  })

  it('accepts what it has defaulted itself', () => {
    fc.assert(fc.property(goodSpecs, (spec) => assert.deepEqual(validateCluster(defaultCluster(cluster(spec))), [])))
  })

  for (const [file, manifest] of originalManifests) {
    it(`accepts the original's ${file}`, () => assert.deepEqual(validateCluster(manifest), []))
  }

  it('never throws, whatever it is given', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.anything(),
          oddSpecs.map((spec) => cluster(spec)),
        ),
        (x) => void validateCluster(x),
      ),
    )
  })

  it('names all problems at once, each with the path of its field', () => {
    const problems = validateCluster(
      cluster(
        {
          credentialsSecretRef: { key: 'a/b' },
          clusterLinkOptions: { networkType: 'star', localCIDRs: { ip: '10.0.0.0/33' }, bridgeCIDR: {} },
          clusterTreeOptions: {
            enable: 'yes',
            reserved: { cpu: '-1' },
            leafModels: [{ labels: { 'example.org/zone': 'a b' }, taints: [{ key: 'k', effect: 'Never' }] }],
          },
        },
        'Leaf',
      ),
    )
    assert.deepEqual(problems.map(({ path, message }) => `${path}: ${message}`).sort(), [
      `metadata.name: Invalid value: "Leaf" is not an RFC 1123 subdomain: lower case letters, digits, '-' and '.', with a letter or digit at both ends`,
      'spec.clusterLinkOptions.bridgeCIDR: Unknown field',
      'spec.clusterLinkOptions.localCIDRs: ip must be an IPv4 network such as 210.0.0.0/8, or empty',
      'spec.clusterLinkOptions.networkType: Unsupported value: "star": supported values: "p2p", "gateway"',
      'spec.clusterTreeOptions.enable: Invalid value: "yes": must be of type boolean',
      "spec.clusterTreeOptions.leafModels[0].labels[example.org/zone]: Invalid value: \"a b\": must be a label value: letters, digits, '-', '_' and '.', with a letter or digit at both ends",
      'spec.clusterTreeOptions.leafModels[0].taints[0].effect: Unsupported value: "Never": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
      'spec.clusterTreeOptions.reserved.cpu: Invalid value: "-1": must be a quantity such as 500m, 2 or 1Gi',
      "spec.credentialsSecretRef.key: Invalid value: \"a/b\": must be a key of a Secret: letters, digits, '-', '_' and '.'",
      'spec.credentialsSecretRef.name: Required value',
    ])
  })

  it('does not repeat a kubeconfig that is not base64', () => {
    const secret = 'token: 4f2c1d9e8b7a6054'
    const text = JSON.stringify(validateCluster(cluster({ kubeconfig: secret })))
    assert.match(text, /spec\.kubeconfig/)
    assert.ok(!text.includes('4f2c'))
  })
})

describe('a Cluster', () => {
  const metadata = { name: 'a' }
  it('has virtual nodes only if it says so and is not the root', () => {
    const on = defaultCluster({ ...cluster({ clusterTreeOptions: {} }), metadata })
    assert.equal(hasClusterTree(on), true)
    assert.equal(hasClusterTree({ ...on, spec: { namespace: 'x' } }), false)
    const off = defaultCluster({ ...cluster({ clusterTreeOptions: { enable: false } }), metadata })
    assert.equal(hasClusterTree(off), false)
    const root = { ...on, metadata: { ...metadata, annotations: { 'kosmos.io/cluster-role': 'root' } } }
    assert.equal(isRootCluster(root), true)
    assert.equal(hasClusterTree(root), false)
  })
})
