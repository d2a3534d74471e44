import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Node } from '@kosmos/kube'
import { isSameOffer, whatIsOffered } from './leaf-node.ts'

const at = (lastHeartbeatTime: string, status = 'True') => ({
  type: 'Ready',
  status,
  reason: 'KubeletReady',
  message: '',
  lastHeartbeatTime,
  lastTransitionTime: '2026-01-01T00:00:00Z',
})

function worker(parts: { metadata?: object; spec?: object; status?: object } = {}): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'worker', uid: 'u', resourceVersion: '1', labels: { zone: 'a' }, ...parts.metadata },
    spec: { podCIDR: '10.0.0.0/24', ...parts.spec },
    status: {
      capacity: { cpu: '4' },
      allocatable: { cpu: '3' },
      conditions: [at('2026-01-01T00:00:00Z')],
      nodeInfo: { osImage: 'Debian' },
      images: [{ names: ['a'] }],
      declaredFeatures: ['X'],
      addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
      ...parts.status,
    },
  } as unknown as Node
}

describe('what a leaf node offers', () => {
  const offered = whatIsOffered(worker())
  const isSame = (parts: Parameters<typeof worker>[0]) => isSameOffer(offered, whatIsOffered(worker(parts)))

  it('is the same when its kubelet only says that it lives, or which volumes are in use', () => {
    assert(isSame({ metadata: { resourceVersion: '2', annotations: { a: 'b' } } }))
    assert(isSame({ status: { conditions: [at('2026-01-01T00:05:00Z')] } }))
    assert(isSame({ status: { volumesInUse: ['x'], volumesAttached: [{ name: 'x', devicePath: '' }] } }))
  })

  for (const [what, parts] of Object.entries({
    'its labels': { metadata: { labels: { zone: 'b' } } },
    'its taints': { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } },
    'that it is cordoned': { spec: { unschedulable: true } },
    'that it is not Ready': { status: { conditions: [at('2026-01-01T00:00:00Z', 'False')] } },
    'its capacity': { status: { capacity: { cpu: '5' } } },
    'what of it pods may have': { status: { allocatable: { cpu: '2' } } },
    'its software': { status: { nodeInfo: { osImage: 'Fedora' } } },
    'its images': { status: { images: [] } },
    'its features': { status: { declaredFeatures: [] } },
  })) {
    it(`is another by ${what}`, () => assert(!isSame(parts)))
  }
})
