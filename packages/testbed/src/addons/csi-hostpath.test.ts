import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { csiHostPath, csiHostPathDriver } from './csi-hostpath.ts'

interface Container {
  readonly name: string
  readonly args: readonly string[]
  readonly securityContext: { readonly privileged?: boolean; readonly capabilities?: object }
  readonly volumeMounts: readonly { readonly name: string; readonly mountPropagation?: string }[]
}
interface Rule {
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
}

describe('the CSI driver of a cluster', () => {
  const manifests = csiHostPath({ image: 'csi:1', capacity: 1000 })
  const find = <T>(kind: string): T => {
    const found = manifests.find(({ resource }) => resource.kind === kind)
    assert.ok(found, `there is a ${kind}`)
    return found.object as T
  }
  const daemonSet = find<{
    spec: { template: { spec: { containers: Container[]; serviceAccountName: string; volumes: { name: string }[] } } }
  }>('DaemonSet')
  const { containers, serviceAccountName, volumes } = daemonSet.spec.template.spec

  it('is what its StorageClass asks for, and what the scheduler asks for capacity', () => {
    assert.equal(find<{ provisioner: string }>('StorageClass').provisioner, csiHostPathDriver)
    const driver = find<{ metadata: { name: string }; spec: { storageCapacity: boolean } }>('CSIDriver')
    assert.deepEqual([driver.metadata.name, driver.spec.storageCapacity], [csiHostPathDriver, true])
    assert.ok(containers.some(({ args }) => args.includes('--enable-capacity')))
    assert.ok(containers.some(({ args }) => args.includes('--capacity=1000')))
  })

  it('is the only container that may do things to the node; what it mounts is seen there', () => {
    const [driver, ...sidecars] = containers
    assert.equal(driver?.securityContext.privileged, true)
    assert.equal(driver?.volumeMounts.find(({ name }) => name === 'kubelet')?.mountPropagation, 'Bidirectional')
    assert.deepEqual(
      sidecars.map(({ name, securityContext }) => [name, securityContext.privileged, securityContext.capabilities]),
      ['csi-provisioner', 'csi-resizer'].map((name) => [name, undefined, { drop: ['ALL'] }]),
    )
    const names = new Set(volumes.map(({ name }) => name))
    assert.ok(containers.every(({ volumeMounts }) => volumeMounts.every(({ name }) => names.has(name))))
  })

  it('reads no Secrets, and changes leases and capacity in its own namespace only', () => {
    const everywhere = find<{ rules: Rule[] }>('ClusterRole').rules
    const resources = everywhere.flatMap((rule) => rule.resources)
    assert.ok(!['secrets', 'leases', 'csistoragecapacities', '*'].some((name) => resources.includes(name)))
    assert.ok(everywhere.every(({ verbs }) => !verbs.includes('*')))
    const subjects = [{ kind: 'ServiceAccount', name: serviceAccountName, namespace: 'kube-system' }]
    for (const kind of ['ClusterRoleBinding', 'RoleBinding'])
      assert.deepEqual(find<{ subjects: object }>(kind).subjects, subjects)
  })
})
