import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CustomResourceDefinition } from '@kosmos/kube'
import { isOlder, mcsDefinitions } from './mcs-definitions.ts'

const labelled = (release: string | undefined, revision = '0') =>
  ({
    metadata: {
      name: 'serviceexports.multicluster.x-k8s.io',
      labels: release && {
        'multicluster.x-k8s.io/release-version': release,
        'multicluster.x-k8s.io/crd-schema-revision': revision,
      },
    },
  }) as unknown as CustomResourceDefinition

describe('the kinds of the Multi-Cluster Services API', () => {
  it('are told from older ones; from newer and unknown ones nothing is known', () => {
    const ours = labelled('v0.5.2')
    const older = (release: string | undefined, revision?: string) => isOlder(labelled(release, revision), ours)
    assert.deepEqual(
      ['v0.5.1', 'v0.4.9', 'v0.4.10'].map((release) => older(release)),
      [true, true, true],
    )
    assert.deepEqual(
      ['v0.5.2', 'v0.5.10', 'v0.10.0', 'v1.0.0', undefined].map((release) => older(release)),
      [false, false, false, false, false],
    )
    assert.equal(older('v0.5.2', '3'), false)
    assert.equal(isOlder(labelled('v0.5.2', '1'), labelled('v0.5.2', '2')), true)
  })

  it('are served in the version that stock CoreDNS watches', async () => {
    for (const definition of await mcsDefinitions({})) {
      const { versions } = definition.spec as { versions: { name: string; served: boolean }[] }
      assert.ok(versions.some(({ name, served }) => name === 'v1alpha1' && served))
    }
  })
})
