import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { nodeTaint } from '@kosmos/api'
import type { Pod } from '@kosmos/kube'
import { rootPod } from '../fixture.ts'
import { uninvited } from './uninvited.ts'

const ofDaemonSet = { ownerReferences: [{ kind: 'DaemonSet', name: 'proxy', controller: true }] }
const everywhere = [{ operator: 'Exists' }]
const pod = (metadata: object, tolerations: object[] = everywhere) =>
  rootPod({ metadata: metadata as Pod['metadata'], spec: { tolerations } as Partial<Pod['spec']> })

describe('a pod of a DaemonSet on a virtual node', () => {
  it('does not run there when it only tolerates everything, and says what to do', () => {
    const { reason, message } = uninvited(pod(ofDaemonSet), [nodeTaint]) ?? {}
    assert.equal(reason, 'DaemonSetNotAllowed')
    assert.match(message ?? '', /annotation kosmos-io\/daemonset-allow: "true".*kosmos\.io\/node DoesNotExist/)
    assert(uninvited(pod(ofDaemonSet), [{ key: 'team', effect: 'NoSchedule' }, nodeTaint]), 'whatever taints there are')
    const refused = { ...ofDaemonSet, annotations: { 'kosmos-io/daemonset-allow': 'false' } }
    assert(uninvited(pod(refused), [nodeTaint]))
  })

  it('runs there when its pods have the annotation, name the taint, or there is none', () => {
    const allowed = { ...ofDaemonSet, annotations: { 'kosmos-io/daemonset-allow': '' } }
    assert.equal(uninvited(pod(allowed), [nodeTaint]), undefined)
    assert.equal(uninvited(pod(ofDaemonSet, [{ key: nodeTaint.key, operator: 'Exists' }]), [nodeTaint]), undefined)
    const besides = [...everywhere, { key: nodeTaint.key, operator: 'Exists' }]
    assert.equal(uninvited(pod(ofDaemonSet, besides), [nodeTaint]), undefined)
    assert.equal(uninvited(pod(ofDaemonSet), [{ key: 'team', value: 'a', effect: 'NoSchedule' }]), undefined)
  })

  it('is the only kind of pod that is asked', () => {
    assert.equal(uninvited(pod({}), [nodeTaint]), undefined)
    const deployed = { ownerReferences: [{ kind: 'ReplicaSet', name: 'web', controller: true }] }
    assert.equal(uninvited(pod(deployed), [nodeTaint]), undefined)
  })
})
