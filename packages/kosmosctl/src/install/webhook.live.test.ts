import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fieldManagers } from '@kosmos/api'
import { Client } from '@kosmos/kube'
import { startControlPlane, withoutAdmissionPolicies } from '@kosmos/testbed'
import { check } from '../check/check.ts'
import { withClusters } from '../clusters/connect.ts'
import { mutatingWebhookConfigurations } from '../clusters/resources.ts'
import { silent } from '../terminal/progress.ts'
import { install } from './install.ts'
import { uninstall } from './uninstall.ts'

describe('install, in a root that serves no MutatingAdmissionPolicies', () => {
  it('sets up the webhook in their place, check says so, and uninstall takes it away first', async () => {
    const plane = await startControlPlane({ name: 'before-1-36', apiServerFlags: withoutAdmissionPolicies })
    const root = { file: plane.kubeconfig }
    const verdict = async () => {
      const found = await check({ root }, silent)
      return found.find(({ id }) => id === 'placement-admission')?.verdict
    }
    try {
      const applied = await install({ root, timeoutSeconds: 0 }, silent)
      const ofAdmission = applied.filter((what) => /^(Mutating|ValidatingAdmissionPolicy )/.test(what))
      assert.deepEqual(ofAdmission, [
        'ValidatingAdmissionPolicy kosmos-policy-index',
        'ValidatingAdmissionPolicy kosmos-placement-label',
        'MutatingWebhookConfiguration kosmos-placement',
      ])
      assert.deepEqual((await verdict())?.status, 'problem')
      await withClusters({ root }, async ({ root: { client } }) => {
        // As the scheduler does it.
        const webhook = {
          name: 'a.placement.kosmos.io',
          clientConfig: { url: 'https://127.0.0.1:1/pods' },
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
        }
        const filled = { metadata: { name: 'kosmos-placement' }, ...{ webhooks: [webhook] } }
        const scheduler = new Client(client.connection, fieldManagers.scheduler)
        const outcome = await scheduler.apply(mutatingWebhookConfigurations, filled)
        assert(outcome.ok, JSON.stringify(outcome))
      })
      // An upgrade keeps what the scheduler has written.
      await install({ root, timeoutSeconds: 0 }, silent)
      assert.match((await verdict())?.what ?? '', /by a webhook/)
      const { removed } = await uninstall({ root }, silent)
      assert.deepEqual(removed.slice(0, 2), [
        'MutatingWebhookConfiguration kosmos-placement',
        'Service kosmos-system/scheduler-webhook',
      ])
    } finally {
      await plane.stop()
    }
  })
})
