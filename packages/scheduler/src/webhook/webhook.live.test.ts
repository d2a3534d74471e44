import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { bestFit, placementGate, placementLabel, systemNamespace, virtualNodesLabel } from '@kosmos/api'
import {
  type KubeObject,
  leases,
  namespaces,
  nodes,
  type Pod,
  pods,
  resource,
  secrets,
  serviceAccounts,
} from '@kosmos/kube'
import { askPort, listeningPorts } from '@kosmos/kube/testing'
import { createAuthority } from '@kosmos/testbed'
import fc from 'fast-check'
import { loadAll } from 'js-yaml'
import { type AdmittingRoot, startAdmittingRoot } from '../admitting-root.fixture.ts'
import type { StoredDistribution } from '../distributions/compiled-distribution.ts'
import { distributionLike } from '../distributions/distribution.fixture.ts'
import { scopeOf } from '../distributions/distribution-book.ts'
import { clusterDistributionPolicies, distributionPolicies } from '../distributions/resource.ts'
import { sampledPod, sampledPolicy } from '../distributions/samples.fixture.ts'
import { isGated } from '../placement/standing.ts'
import { podLike, policyLike } from '../pods.fixture.ts'
import { compilePolicy, policyOf } from '../policies/compiled-policy.ts'
import { workloadPolicies } from '../policies/resource.ts'
import { podParts, policies } from '../policies/samples.fixture.ts'
import { configurationName, secretRef, webhookConfigurations } from './controller.ts'
import { readSecret } from './credentials.ts'
import { mayMean } from './may-mean.fixture.ts'
import { whilePodsAreCreated } from './pod-stream.fixture.ts'
import { createService, ownAddress, setReady, shownBy } from './replicas.fixture.ts'
import { type SchedulerProcess, startSchedulerProcess } from './scheduler-process.fixture.ts'

const main = new URL('../main.ts', import.meta.url)
const hastyRenewal = new URL('hasty-renewal.process.fixture.ts', import.meta.url)
const rbac = new URL('../../../../deploy/rbac/scheduler.yaml', import.meta.url)
const allocationPolicy = [{ name: 'leaf1', weight: 1 }]
const resourceOf = (stored: StoredDistribution) =>
  scopeOf(stored) === '' ? clusterDistributionPolicies : distributionPolicies
const until = async (what: string, done: () => Promise<boolean>) => {
  for (const deadline = Date.now() + 60_000; !(await done()); await sleep(50)) {
    assert(Date.now() < deadline, `within 60 s: ${what}`)
  }
}

/** What its administrator writes so that an API server shows webhooks a certificate. @returns the file for its flag */
async function knownToWebhooks(folder: string): Promise<string> {
  const authority = await createAuthority('api-servers')
  const { certificate, key } = await authority.issue({ commonName: 'kube-apiserver', client: true })
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const user = { 'client-certificate-data': base64(certificate), 'client-key-data': base64(key) }
  const file = (name: string) => path.join(folder, name)
  const plugin = {
    name: 'MutatingAdmissionWebhook',
    configuration: {
      apiVersion: 'apiserver.config.k8s.io/v1',
      kind: 'WebhookAdmissionConfiguration',
      kubeConfigFile: file('webhooks.kubeconfig'),
    },
  }
  const configuration = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AdmissionConfiguration', plugins: [plugin] }
  writeFileSync(file('ca.crt'), authority.certificate)
  writeFileSync(
    file('webhooks.kubeconfig'),
    JSON.stringify({ apiVersion: 'v1', kind: 'Config', users: [{ name: '*', user }] }),
  )
  writeFileSync(file('admission.json'), JSON.stringify(configuration))
  return file('admission.json')
}

describe('a root without MutatingAdmissionPolicies', () => {
  let root: AdmittingRoot
  let kubeconfig: string
  let folder: string
  let running: SchedulerProcess
  const replicas = new Map<string, SchedulerProcess>()

  /** As its Deployment runs it, with the rights of its account. */
  const start = async () => {
    // At an address that is this cluster's alone.
    const at = `${root.controlPlane.loopback}:8443`
    const callers = `--webhook-client-ca-file=${path.join(folder, 'ca.crt')}`
    const webhook = [`--webhook=${at}`, `--webhook-url=https://${at}/pods`, callers]
    return await startSchedulerProcess(main, [`--kubeconfig=${kubeconfig}`, '--leader-election=false', ...webhook])
  }

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'kosmos-webhook-'))
    const admission = await knownToWebhooks(folder)
    root = await startAdmittingRoot('webhook', { 'admission-control-config-file': admission })
    const { client, controlPlane } = root
    await client.create(namespaces, { metadata: { name: systemNamespace } })
    for (const manifest of loadAll(readFileSync(rbac, 'utf8')) as KubeObject[]) {
      const scope = manifest.metadata?.namespace ? 'Namespaced' : 'Cluster'
      const kind = resource(manifest.apiVersion ?? '', manifest.kind ?? '', `${manifest.kind?.toLowerCase()}s`, scope)
      assert((await client.create(kind, manifest)).ok)
    }
    const account = { namespace: systemNamespace, name: 'scheduler' }
    const token = await client.createFor<{ status: { token: string } }>(serviceAccounts, account, 'token', {})
    assert(token.ok)
    kubeconfig = path.join(controlPlane.dir, 'scheduler.kubeconfig')
    const cluster = {
      server: controlPlane.server,
      'certificate-authority-data': Buffer.from(controlPlane.ca).toString('base64'),
    }
    const config = {
      clusters: [{ name: 'root', cluster }],
      users: [{ name: 'scheduler', user: { token: token.object.status.token } }],
      contexts: [{ name: 'root', context: { cluster: 'root', user: 'scheduler' } }],
      'current-context': 'root',
    }
    writeFileSync(kubeconfig, JSON.stringify(config))
    running = await start()
  })
  after(async () => {
    for (const one of [running, ...replicas.values()]) await one?.kill()
    await root?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const store = async (policy: ReturnType<typeof policyLike>) => {
    const { uid: _, resourceVersion: __, generation: ___, ...metadata } = policy.metadata
    assert((await root.client.create(workloadPolicies, { ...policy, metadata })).ok)
  }
  const webhooksOf = async () => {
    const stored = await root.client.get(webhookConfigurations, { name: configurationName })
    return JSON.stringify(stored?.webhooks ?? [])
  }
  /** The pod as it is admitted; undefined if it is refused. */
  const create = async (name: string, app: string) => {
    const spec = { containers: [{ name: 'main', image: 'busybox' }] }
    const metadata = { namespace: 'shop', name, labels: { app } }
    return await root.client.create<Pod>(pods, { metadata, ...{ spec } })
  }
  const isPlaced = async (name: string) => {
    const pod = await root.client.get(pods, { namespace: 'shop', name })
    return pod?.spec.nodeSelector?.['kosmos.io/cluster'] === 'leaf1' && !isGated(pod)
  }

  it('is answered at two ports, which tell strangers nothing', async () => {
    const ports = listeningPorts(running.child.pid ?? 0)
    assert.deepEqual(ports.length, 2)
    const [own] = ports.filter((port) => port !== 'tcp 8443')
    const url = `https://127.0.0.1:${own?.replace('tcp ', '')}`
    assert.deepEqual(await askPort(`${url}/livez`), { code: 200, text: 'ok' })
    assert.equal((await askPort(`${url}/metrics`)).code, 401)
    await assert.rejects(
      askPort(`https://${root.controlPlane.loopback}:8443/pods`),
      /certificate required|closed|ECONNRESET/,
    )
  })

  it('gates exactly those pods that a policy selects, and asks about no others', async () => {
    for (const all of fc.sample(policies, 5)) {
      const probe = policyLike({ allocationPolicy, labelSelector: { matchLabels: { probe: 'yes' } } }, 'probe')
      for (const one of [...all, probe]) await store(one)
      await until('asked about them', async () => (await webhooksOf()).includes('probe'))
      await until('known', async () => isGated(await root.admitted(podLike({ labels: { probe: 'yes' } }))))
      const compiled = all.map(compilePolicy)
      for (const parts of fc.sample(podParts, 40)) {
        const pod = podLike(parts)
        const expected = policyOf(pod, compiled) !== undefined
        const why = () => JSON.stringify([parts, all.map(({ spec }) => spec)])
        assert.equal(isGated(await root.admitted(pod)), expected, why())
      }
      for (const { metadata } of [...all, probe]) await root.client.delete(workloadPolicies, metadata)
      await until('asked no more', async () => !(await webhooksOf()).includes('probe'))
    }
  })

  it('gates pods that a DistributionPolicy may mean, whether their names are known or not', async () => {
    for (const parts of fc.sample(fc.array(sampledPolicy, { minLength: 1, maxLength: 3 }), 5)) {
      // Of each kind, which have a watch each.
      const probes = ['probe', 'cluster-probe'].map((name, i) =>
        distributionLike([{ policyName: 'mix', name }], { name: 'z-probe', ...(i === 1 && { namespace: undefined }) }),
      )
      const all = parts.map(({ selectors, namespace }, i) => distributionLike(selectors, { name: `p${i}`, namespace }))
      for (const one of [...all, ...probes]) {
        const { uid: _, resourceVersion: __, generation: ___, creationTimestamp: ____, ...metadata } = one.metadata
        assert((await root.client.create(resourceOf(one), { ...one, metadata } as KubeObject)).ok)
      }
      for (const name of ['probe', 'cluster-probe']) {
        await until('asked about them', async () => (await webhooksOf()).includes(String.raw`\"${name}\"`))
        await until('known', async () => isGated(await root.admitted(podLike({ name, labels: { probe: 'yes' } }))))
      }
      for (const { isGenerated, ...of } of fc.sample(sampledPod, 30)) {
        const { metadata, ...rest } = podLike(of)
        const { name, ...generated } = metadata
        const asked = isGenerated ? { ...generated, name: '', generateName: name } : metadata
        const selectors = all.flatMap(({ spec }) => spec.resourceSelectors)
        const expected = selectors.some((selector) => mayMean(selector)({ metadata: asked }))
        const sent = isGenerated ? { ...generated, generateName: name } : metadata
        const admitted = await root.admitted({ ...rest, metadata: sent } as Pod)
        assert.equal(isGated(admitted), expected, JSON.stringify([asked, selectors]))
      }
      for (const one of [...all, ...probes]) await root.client.delete(resourceOf(one), one.metadata)
      await until('asked no more', async () => !(await webhooksOf()).includes('probe'))
    }
  })

  it('gates a pod whose generated name the API server cuts after 58 characters', async () => {
    const name = `${'a'.repeat(58)}xyz12`
    const long = distributionLike([{ policyName: 'mix', name }], { name: 'long' })
    const { uid: _, resourceVersion: __, generation: ___, creationTimestamp: ____, ...metadata } = long.metadata
    assert((await root.client.create(distributionPolicies, { ...long, metadata } as KubeObject)).ok)
    await until('known', async () => isGated(await root.admitted(podLike({ name }))))
    const { name: ______, ...generated } = podLike().metadata
    const admit = (generateName: string) =>
      root.admitted({ ...podLike(), metadata: { ...generated, generateName } } as Pod)
    assert(isGated(await admit('a'.repeat(63))))
    assert(!isGated(await admit(`${'a'.repeat(57)}b`)))
    await root.client.delete(distributionPolicies, long.metadata)
    await until('asked no more', async () => !(await webhooksOf()).includes('xyz12'))
  })

  it("does for labels of a namespace, and for the original's scheduler, what admission policies do", async () => {
    const label = async (labels: Record<string, string | null>) =>
      await root.client.patch(namespaces, { name: 'shop' }, { metadata: { labels } }, { type: 'merge' })
    assert.deepEqual((await root.admitted(podLike())).spec.schedulingGates, undefined)
    await label({ [placementLabel]: bestFit, [virtualNodesLabel]: 'tolerated' })
    const both = async () => {
      const { spec } = await root.admitted(podLike())
      return [spec.schedulingGates, spec.tolerations?.filter(({ key }) => key === 'kosmos.io/node')]
    }
    const expected = [[{ name: placementGate }], [{ key: 'kosmos.io/node', operator: 'Exists' }]]
    await until('both', async () => isDeepStrictEqual(await both(), expected))
    await label({ [placementLabel]: null, [virtualNodesLabel]: null })
    await until('neither', async () => isDeepStrictEqual(await both(), [undefined, []]))
    const { spec } = await root.admitted(podLike({ spec: { schedulerName: 'kosmos-scheduler' } }))
    assert.equal(spec.schedulerName, 'default-scheduler')
  })

  it('places pods of a policy, and when the scheduler is killed refuses those, and no others, until it is back', async () => {
    const resources = { cpu: '8', memory: '16Gi', pods: '110' }
    await root.client.create(nodes, { metadata: { name: 'n1', labels: { 'kosmos.io/cluster': 'leaf1' } } })
    const conditions = [{ type: 'Ready', status: 'True', reason: 'Test', message: '' }]
    const status = { capacity: resources, allocatable: resources, conditions }
    await root.client.patch(nodes, { name: 'n1' }, { status }, { type: 'strategic', subresource: 'status' })
    await root.client.patch(nodes, { name: 'n1' }, { spec: { taints: null } }, { type: 'merge' })
    await store(policyLike({ allocationPolicy, labelSelector: { matchLabels: { app: 'web' } } }, 'web'))
    await until('known', async () => isGated(await root.admitted(podLike({ labels: { app: 'web' } }))))
    const first = await create('first', 'web')
    assert(first.ok && isGated(first.object))
    await until('placed', () => isPlaced('first'))

    await running.kill()
    const other = await create('other', 'db')
    assert(other.ok && !isGated(other.object))
    const refused = await create('second', 'web').catch((error: Error) => error)
    assert(!('object' in refused) && /failed calling webhook/.test(JSON.stringify(refused, ['message', 'status'])))

    running = await start()
    const second = await create('second', 'web')
    assert(second.ok && isGated(second.object))
    await until('placed', () => isPlaced('second'))
    // A certificate that somebody takes away is made anew, and API servers are told to trust it.
    const before = /"caBundle":"[^"]+"/.exec(await webhooksOf())?.[0] ?? ''
    assert((await root.client.delete(secrets, secretRef)).ok)
    await until('a new Secret', async () => (await root.client.get(secrets, secretRef)) !== undefined)
    await until('told', async () => !(await webhooksOf()).includes(before))
    const isTrusted = () => root.admitted(podLike({ labels: { app: 'web' } })).then(isGated, () => false)
    await until('trusted', isTrusted)
    assert.doesNotMatch(running.output(), /forbidden|\b403\b/i)
  })

  const leader = async () => {
    const lease = await root.client.get(leases, { namespace: systemNamespace, name: 'scheduler' })
    return lease?.spec?.holderIdentity ?? ''
  }
  const current = async () => readSecret((await root.client.get(secrets, secretRef))?.data)?.current.cert
  /** PEM: what API servers are told to trust, the same of all webhooks. */
  const trusted = async () => {
    const stored = await root.client.get(webhookConfigurations, { name: configurationName })
    const bundles = new Set(stored?.webhooks?.map(({ clientConfig }) => clientConfig.caBundle ?? ''))
    assert.equal(bundles.size, 1)
    return Buffer.from([...bundles].join(), 'base64').toString()
  }
  const web = podLike({ labels: { app: 'web' } })
  const startReplica = async (name: string) => {
    const args = [`--kubeconfig=${kubeconfig}`, `--identity=${name}`, `--webhook=${ownAddress()}:0`]
    const replica = await startSchedulerProcess(hastyRenewal, args)
    replicas.set(name, replica)
    return replica
  }

  it('is answered by each of two replicas behind the Service, one of which leads', async () => {
    await running.kill()
    await createService(root.client)
    const [a, b] = await Promise.all(['a', 'b'].map(startReplica))
    assert(a && b)
    await setReady(root.client, 'a', a, true)
    await until('asked by the Service', async () => /"service":/.test(await webhooksOf()))
    // Only it could have answered.
    await until('gated by the first', () => root.admitted(web).then(isGated, () => false))
    await setReady(root.client, 'b', b, true)
    assert(replicas.has(await leader()))
  })

  it('goes on while the certificate is renewed: no pod is refused, none goes ungated', async () => {
    const all = [...replicas.values()]
    const shown = new Set<string>()
    const { ungated, refused } = await whilePodsAreCreated(root, 'web', (more) =>
      // An API server keeps its connections: what new ones meet is seen beside it.
      until('renewed twice, at both', async () => {
        const asked = performance.now()
        const bundle = await trusted()
        const now = await Promise.all(all.map(shownBy))
        // So long after it is trusted one may be shown that the bundle of then did not have.
        if (performance.now() - asked > 2_000) return false
        for (const certificate of now) {
          assert(bundle.includes(certificate.trim()), 'what is shown is trusted before')
          shown.add(certificate)
        }
        await more(4)
        return shown.size > 2 && new Set(now).size === 1
      }),
    )
    assert.deepEqual([ungated, refused], [0, []])
  })

  it('goes on while both replicas are replaced: no pod is refused, none goes ungated', async () => {
    const next = { a: 'c', b: 'd' } as const
    const { ungated, refused } = await whilePodsAreCreated(root, 'web', async (more) => {
      for (const name of ['a', 'b'] as const) {
        const old = replicas.get(name)
        assert(old)
        const started = await startReplica(next[name])
        await setReady(root.client, next[name], started, true)
        const ended = once(old.child, 'exit')
        old.child.kill('SIGTERM')
        // It is a while until what leads to it has been told.
        await Promise.all([sleep(5_000), more(20)])
        await setReady(root.client, name, old, false)
        assert.deepEqual(await ended, [0, null])
        replicas.delete(name)
        await more(20)
      }
    })
    assert.deepEqual([ungated, refused.length, refused[0]], [0, 0, undefined])
  })

  it('lets no pod in ungated when the leader is killed, and refuses none once its endpoint is out', async () => {
    const name = await leader()
    const killed = replicas.get(name)
    assert(killed)
    const burst = () => Promise.allSettled(Array.from({ length: 20 }, () => root.admitted(web)))
    const meanwhile = await whilePodsAreCreated(root, 'web', async () => {
      await killed.kill()
      await until('some are refused', async () => (await burst()).some(({ status }) => status === 'rejected'))
      await setReady(root.client, name, killed, false)
      await until('none is', async () => (await burst()).every(({ status }) => status === 'fulfilled'))
    })
    assert.equal(meanwhile.ungated, 0)
    for (const why of meanwhile.refused) assert.match(why, /failed calling webhook/)

    const { ungated, refused } = await whilePodsAreCreated(root, 'web', async (more) => {
      await until('the other one leads', async () => (await leader()) !== name)
      const old = await current()
      await until('it renews the certificate', async () => (await current()) !== old)
      await more(100)
    })
    assert.deepEqual([ungated, refused], [0, []])
  })

  it('ends at once when the webhook has been uninstalled', async () => {
    const last = replicas.get(await leader())
    assert(last)
    assert((await root.client.delete(webhookConfigurations, { name: configurationName })).ok)
    await until('told', async () => /webhook\.removed/.test(last.output()))
    const ended = once(last.child, 'exit')
    last.child.kill('SIGTERM')
    assert.deepEqual(await ended, [0, null])
    assert.doesNotMatch(last.output(), /webhook\.ending/)
  })
})
