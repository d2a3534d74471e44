import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fieldManagers } from '@kosmos/api'
import { Client, pods, serviceAccounts } from '@kosmos/kube'
import { startControlPlane, withoutAdmissionPolicies } from '@kosmos/testbed'
import { check } from '../check/check.ts'
import { withClusters } from '../clusters/connect.ts'
import { mutatingWebhookConfigurations } from '../clusters/resources.ts'
import { silent } from '../terminal/progress.ts'
import { install } from './install.ts'
import { uninstall } from './uninstall.ts'

describe('install, in a root before Kubernetes 1.36', { timeout: 240_000 }, () => {
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
        'ValidatingAdmissionPolicy kosmos-clustertree-tokens',
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

  it('lets cluster-tree have tokens of pods, which newer roots give it as the node, and no others', async () => {
    const apiServerFlags = { ...withoutAdmissionPolicies, 'feature-gates': 'ConstrainedImpersonation=false' }
    const plane = await startControlPlane({ name: 'before-1-36', apiServerFlags })
    const root = { file: plane.kubeconfig }
    try {
      await install({ root, timeoutSeconds: 0 }, silent)
      await withClusters({ root }, async ({ root: { client } }) => {
        const account = { namespace: 'default', name: 'web' }
        await client.create(serviceAccounts, { metadata: account })
        const spec = { serviceAccountName: 'web', containers: [{ name: 'main', image: 'web' }] }
        const pod = await client.create(pods, { metadata: account, spec } as object)
        assert(pod.ok, JSON.stringify(pod))
        const headers = { 'Impersonate-User': 'system:serviceaccount:kosmos-system:clustertree' }
        const boundTo = (kind: string, uid: string) => ({ apiVersion: 'v1', kind, name: 'web', uid })
        const ask = (boundObjectRef?: object) =>
          client.requestToken(account, { ...(boundObjectRef && { boundObjectRef }) } as object, { headers })
        const { uid } = pod.object.metadata
        const refusal = /cluster-tree gets tokens of pods only/
        // The policy counts a moment after it is stored.
        for (;;) {
          const outcome = await ask()
          if (!outcome.ok && refusal.test(outcome.status.message ?? '')) break
        }
        for (const refused of [boundTo('Secret', uid), boundTo('Pod', '')]) {
          const outcome = await ask(refused)
          assert.match((!outcome.ok && outcome.status.message) || 'a token', refusal)
        }
        const other = await ask(boundTo('Pod', 'of-another-pod'))
        assert.equal(other.ok, false)
        const token = await ask(boundTo('Pod', uid))
        assert(token.ok, JSON.stringify(token))
      })
      const { removed } = await uninstall({ root }, silent)
      assert.equal(removed.filter((what) => what.endsWith(' kosmos-clustertree-tokens')).length, 4)
    } finally {
      await plane.stop()
    }
  })
})
