import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { serviceExports } from '@kosmos/cluster-link'
import { installMcsDefinitions, markOfInstall } from '../install/mcs-definitions.ts'
import { liveClusters } from '../live.fixture.ts'
import { exportService, unexportService } from './service.ts'

describe('a Service', () => {
  const { cluster } = liveClusters(['cluster'])
  const ref = { namespace: 'default', name: 'web' }
  const isExported = async () => (await cluster.client.get(serviceExports, ref)) !== undefined
  const asked = (dryRun: boolean) => exportService(cluster.client, ref, { timeoutMs: 0, dryRun })

  it('of a cluster that is not linked is not exported, which is said', async () => {
    await assert.rejects(asked(false), /does not know the kind ServiceExport/)
  })

  it('is exported, and no longer, but not when it is only asked whether it would be', async () => {
    await installMcsDefinitions(cluster.client, markOfInstall, assert.fail)
    const { dnsName } = await asked(true)
    assert.equal(dnsName, 'web.default.svc.clusterset.local')
    assert.equal(await isExported(), false)
    await assert.rejects(unexportService(cluster.client, ref, true), /is not exported here/)
    await asked(false)
    await unexportService(cluster.client, ref, true)
    assert.equal(await isExported(), true)
    await unexportService(cluster.client, ref, false)
    assert.equal(await isExported(), false)
  })
})
