import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { metricsServer, metricsServerUser } from './metrics-server.ts'

describe('metrics-server beside a cluster', () => {
  const manifests = metricsServer({ address: '10.1.2.3', port: 4443, ca: 'CA' })
  const all = (kind: string) => manifests.filter(({ resource }) => resource.kind === kind).map(({ object }) => object)

  it('is reached through a Service whose only endpoint is its address', () => {
    const [slice] = all('EndpointSlice') as { endpoints?: unknown; ports?: unknown; metadata?: { labels?: object } }[]
    const [api] = all('APIService') as { spec?: { service: { name: string }; caBundle: string } }[]
    assert.deepEqual(slice?.endpoints, [{ addresses: ['10.1.2.3'], conditions: { ready: true } }])
    assert.deepEqual(slice?.metadata?.labels, { 'kubernetes.io/service-name': api?.spec?.service.name })
    assert.equal(Buffer.from(api?.spec?.caBundle ?? '', 'base64').toString(), 'CA')
  })

  it('may read metrics of nodes, and neither logs nor anything else of a kubelet', () => {
    const [role] = all('ClusterRole') as { rules?: { resources: string[]; verbs: string[] }[] }[]
    assert.deepEqual(
      role?.rules?.flatMap(({ resources }) => resources).filter((resource) => resource.startsWith('nodes/')),
      ['nodes/metrics'],
    )
    const bindings = [...all('ClusterRoleBinding'), ...all('RoleBinding')] as { subjects?: { name: string }[] }[]
    assert.equal(bindings.length, 3)
    assert(bindings.every(({ subjects }) => subjects?.length === 1 && subjects[0]?.name === metricsServerUser))
  })
})
