import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import {
  type Cluster,
  clusterKind,
  daemonsetAllowAnnotation,
  leafIdAnnotation,
  retiringTaint,
  systemNamespace,
} from '@kosmos/api'
import { join, silent } from '@kosmos/kosmosctl'
import {
  type Client,
  certificateSigningRequests,
  configMaps,
  type KubeObject,
  namespaces,
  nodes,
  type Pod,
  pods,
  resource,
  secrets,
  serviceAccounts,
  unwrap,
} from '@kosmos/kube'
import { type ControlPlane, silent as silentTestbed } from '@kosmos/testbed'
import { clusterTreeStandby } from '../platform/components.ts'
import { pidOf, startComponent } from '../platform/kosmos.ts'
import { pod, podSpec } from '../platform/manifests.ts'
import { eventually, type Platform, startPlatform } from '../platform/platform.ts'

type StoredCluster = Cluster & { metadata: { name: string; uid: string; resourceVersion: string } }
const clusters = resource<StoredCluster>('kosmos.io/v1alpha1', 'Cluster', clusterKind.plural, 'Cluster')
const account = { annotation: 'kosmos.io/leaf-account' } as const
const inDefault = (name: string) => ({ namespace: 'default', name })

/** A Cluster and the Secret that it names. */
const joined = (name: string) => ({
  apiVersion: 'kosmos.io/v1alpha1',
  kind: 'Cluster',
  metadata: { name },
  spec: { credentialsSecretRef: { name: `of-${name}` }, clusterTreeOptions: { enable: true } },
})
const secretOf = (name: string, kubeconfig: string) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { namespace: systemNamespace, name: `of-${name}` },
  stringData: { kubeconfig },
})

describe('clusters that are joined, badly joined, cut off and given up', () => {
  let platform: Platform
  const root = () => platform.root
  const at = <T>(list: readonly T[], index: number): T => list[index] ?? assert.fail(`there is no leaf ${index + 1}`)
  const controlPlane = (leaf: 1 | 2): ControlPlane => at(platform.testbed.leaves, leaf - 1)
  const leaf = (number: 1 | 2): Client => at(platform.leaves, number - 1)
  const cluster = async (name: string) => (await root().get(clusters, { name })) ?? assert.fail(`no Cluster ${name}`)
  const node = (name: string) => root().get(nodes, { name: `kosmos-${name}` })
  const joinAgain = (number: 1 | 2) => {
    const { name, kubeconfig } = controlPlane(number)
    return join({ name, root: { file: platform.testbed.root.kubeconfig }, leaf: { file: kubeconfig } }, silent)
  }
  /** An administrator's kubeconfig in one piece. */
  const kubeconfigOf = async (of: ControlPlane) => {
    const { stdout } = await platform.kubectlIn(of, ['config', 'view', '--raw', '--flatten', '--minify'])
    return stdout
  }

  /** Waits until the Cluster says this; returns the sentence for people. */
  const says = async (name: string, type: string, expected: string): Promise<string> => {
    let seen: unknown
    try {
      return await eventually(`${name}: ${type} ${expected}`, async () => {
        const found = (await cluster(name)).status?.conditions?.find((condition) => condition.type === type)
        seen = found
        return found && `${found.status} ${found.reason}` === expected && found.message
      })
    } catch (error) {
      throw new Error(`${name} says ${JSON.stringify(seen)}`, { cause: error })
    }
  }
  const allWell = async (name: string) => {
    await says(name, 'Reachable', 'True LeafReachable')
    await says(name, 'CredentialsValid', 'True CredentialsAccepted')
    await says(name, 'VirtualNodesReady', 'True VirtualNodesReady')
  }
  const gone = (name: string) =>
    eventually(`Cluster ${name} is gone`, async () => (await root().get(clusters, { name })) === undefined)
  const remove = async (name: string) => {
    const { code, stderr } = await platform.kubectl(['delete', 'clusters.kosmos.io', name, '--timeout=240s'])
    assert.equal(code, 0, stderr)
    await platform.kubectl(['-n', systemNamespace, 'delete', 'secret', `of-${name}`, '--ignore-not-found'])
  }

  const isReady = (seen: { status?: { conditions?: readonly { type: string; status: string }[] } } | undefined) =>
    seen?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
  const running = (name: string) =>
    eventually(`pod ${name} is Ready`, async () => {
      const seen = await root().get(pods, inDefault(name))
      return isReady(seen) && seen
    })
  const incarnation = (seen: Pod | undefined) => [
    seen?.metadata.uid,
    seen?.metadata.deletionTimestamp,
    seen?.status?.containerStatuses?.[0]?.restartCount,
  ]
  /** Where each virtual node is reached, and every certificate that was asked for. */
  const kubelets = async () => {
    const there = await root().listAll(nodes, { labelSelector: 'kosmos.io/node' })
    const requests = await root().listAll(certificateSigningRequests, { metadataOnly: true })
    return [
      there.map(({ metadata, status }) => [metadata.name, status?.addresses, status?.daemonEndpoints]),
      requests.map(({ metadata }) => metadata.name),
    ]
  }
  /** The pods that nothing in here may touch, and their copies. */
  const steady = new Map<string, unknown>()
  const look = async (number: 1 | 2) => [
    incarnation(await root().get(pods, inDefault(`steady-${number}`))),
    incarnation(await leaf(number).get(pods, inDefault(`steady-${number}`))),
  ]
  const assertSteady = async (number: 1 | 2) => assert.deepEqual(await look(number), steady.get(`leaf${number}`))

  before(async () => {
    platform = await startPlatform('clusters', { leaves: 2, nodes: 'kwok:1' })
    await platform.apply(pod('steady-1', { cluster: 'leaf1' }), pod('steady-2', { cluster: 'leaf2' }))
    for (const number of [1, 2] as const) {
      await running(`steady-${number}`)
      steady.set(`leaf${number}`, await look(number))
      await eventually('its node has its certificate', async () => {
        return (await node(`leaf${number}`))?.status?.daemonEndpoints?.kubeletEndpoint?.Port
      })
    }
  })
  after(() => platform?.down())

  it('a Cluster that violates its schema is refused with a sentence that says what to change', async () => {
    const models = joined('bad')
    const two = { ...models.spec, clusterTreeOptions: { enable: true, leafModels: [{}, {}] } }
    for (const [manifest, sentence] of [
      [{ ...models, spec: two }, /a leaf model without nodeSelector stands for the whole cluster/],
      [{ ...models, metadata: { name: 'x'.repeat(60) } }, /metadata\.name must have at most 56 characters/],
      [{ ...models, spec: { ...models.spec, kubeconfig: 'no base64!' } }, /spec\.kubeconfig/],
      [{ ...models, spec: { ...models.spec, credentialsSecretRef: {} } }, /credentialsSecretRef\.name/],
    ] as const) {
      const { code, stderr } = await platform.kubectl(['apply', '-f', '-'], JSON.stringify(manifest))
      assert.notEqual(code, 0)
      assert.match(stderr, sentence)
    }
    assert.equal(await root().get(clusters, { name: 'bad' }), undefined)
  })

  it('a Secret that suddenly leads to another cluster fails no pod; both come to rest when it is corrected', async () => {
    const served = await kubelets()
    const ref = { namespace: systemNamespace, name: 'cluster-leaf1' }
    const right = (await root().get(secrets, ref))?.data?.kubeconfig ?? assert.fail()
    const wrong = Buffer.from(await kubeconfigOf(controlPlane(2))).toString('base64')
    const store = async (kubeconfig: string) => {
      const stored = await root().patch(secrets, ref, { data: { kubeconfig } }, { type: 'merge' })
      assert(stored.ok)
    }
    await store(wrong)
    await says('leaf1', 'VirtualNodesReady', 'False LeafReplaced')
    await allWell('leaf2')
    await eventually('its kubelet says so', async () => {
      const { stderr } = await platform.kubectl(['exec', 'steady-1', '--', 'true'])
      return /node kosmos-leaf1 is not connected to cluster leaf1 now/.test(stderr)
    })
    await store(right)
    await allWell('leaf1')
    await assertSteady(1)
    await assertSteady(2)
    assert.deepEqual(await kubelets(), served)
  })

  it('a leaf that no longer knows our account says that the credentials are rejected', async () => {
    const name = (await cluster('leaf1')).metadata.annotations?.[account.annotation] ?? assert.fail()
    const deleted = await leaf(1).delete(serviceAccounts, { namespace: systemNamespace, name })
    assert(deleted.ok)
    const message = await says('leaf1', 'CredentialsValid', 'False CredentialsRejected')
    assert.match(message, /join the cluster again/)
    await says('leaf1', 'Reachable', 'True LeafReachable')
    await says('leaf1', 'VirtualNodesReady', 'False CredentialsInvalid')
    await allWell('leaf2')
  })

  it('a broken kubeconfig is called invalid, its content is told nowhere, and a right one heals it', async () => {
    await platform.apply(secretOf('broken', 'password: hunter2\n : ['), joined('broken'))
    await says('broken', 'CredentialsValid', 'False KubeconfigInvalid')
    await says('broken', 'VirtualNodesReady', 'False CredentialsInvalid')
    const { stdout } = await platform.kubectl(['describe', 'clusters.kosmos.io', 'broken'])
    const log = await readFile(path.join(platform.testbed.dir, 'logs', 'cluster-tree.log'), 'utf8')
    assert.doesNotMatch(stdout + log, /hunter2/)
    const text = (await kubeconfigOf(controlPlane(1))).replace(/certificate-authority-data: .*/, '')
    await platform.apply(secretOf('broken', text))
    await says('broken', 'Reachable', 'False CertificateNotTrusted')
    await remove('broken')
  })

  it('a kubeconfig that runs a program is refused, and the program is not run', async () => {
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: '/bin/false', interactiveMode: 'Never' }
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: controlPlane(1).server } }],
      users: [{ name: 'u', user: { exec } }],
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'c',
    }
    await platform.apply(secretOf('plugin', JSON.stringify(config)), joined('plugin'))
    assert.match(await says('plugin', 'CredentialsValid', 'False KubeconfigNotSelfContained'), /runs an exec plug-in/)
    await remove('plugin')
  })

  it('a kubeconfig of the root itself is refused', async () => {
    await platform.apply(secretOf('self', await kubeconfigOf(platform.testbed.root)), joined('self'))
    await says('self', 'VirtualNodesReady', 'False LeafIsRoot')
    assert.equal(await node('self'), undefined)
    await remove('self')
  })

  it('an address where nobody answers is called unreachable, with the cause', async () => {
    const text = (await kubeconfigOf(controlPlane(1))).replace(/server: .*/, `server: https://127.0.0.1:1`)
    await platform.apply(secretOf('nobody', text), joined('nobody'))
    assert.match(await says('nobody', 'Reachable', 'False LeafUnreachable'), /ECONNREFUSED/)
    await says('nobody', 'VirtualNodesReady', 'False LeafUnreachable')
    await remove('nobody')
  })

  it('a Secret that does not exist yet is waited for', async () => {
    await platform.apply(joined('early'))
    assert.match(await says('early', 'CredentialsValid', 'False SecretNotFound'), /kosmos-system\/of-early/)
    await platform.apply(secretOf('early', await kubeconfigOf(platform.testbed.root)))
    await says('early', 'CredentialsValid', 'True CredentialsAccepted')
    await remove('early')
  })

  it('the leaf that was cut off has its node NotReady, the others are well; joining again heals it', async () => {
    await eventually('its node is not Ready', async () => !isReady(await node('leaf1')))
    await eventually('nor are its pods', async () => !isReady(await root().get(pods, inDefault('steady-1'))))
    assert(isReady(await node('leaf2')))
    assert(isReady(await root().get(pods, inDefault('steady-2'))))
    await joinAgain(1)
    await allWell('leaf1')
    await running('steady-1')
    await assertSteady(1)
    await assertSteady(2)
  })

  it('a Secret that is lost is missed, and nothing is lost with it', async () => {
    const ref = { namespace: systemNamespace, name: 'cluster-leaf1' }
    const { metadata, ...content } = (await root().get(secrets, ref)) ?? assert.fail()
    await root().delete(secrets, ref)
    await says('leaf1', 'CredentialsValid', 'False SecretNotFound')
    const { labels } = metadata
    await root().create(secrets, { metadata: { ...ref, ...(labels && { labels }) }, ...content } as KubeObject)
    await allWell('leaf1')
    await assertSteady(1)
  })

  it('a leaf that is joined twice stays with the first, also when a standby takes over, before a node is missed', async () => {
    const readySince = async () =>
      (await node('leaf2'))?.status?.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime
    const since = (await readySince()) ?? assert.fail()
    await platform.apply(secretOf('a-twin', await kubeconfigOf(controlPlane(1))), joined('a-twin'))
    assert.match(await says('a-twin', 'VirtualNodesReady', 'False LeafAlreadyJoined'), /Cluster leaf1/)
    await startComponent(platform.testbed, clusterTreeStandby, silentTestbed)
    await platform.killClusterTree()
    await platform.apply(pod('after-takeover', { cluster: 'leaf1' }))
    await running('after-takeover')
    assert.equal(await readySince(), since)
    await says('a-twin', 'VirtualNodesReady', 'False LeafAlreadyJoined')
    await allWell('leaf1')
    assert.equal(await node('a-twin'), undefined)
    await remove('a-twin')
    await platform.startClusterTree()
    process.kill(pidOf(platform.testbed, clusterTreeStandby), 'SIGTERM')
    await assertSteady(1)
  })

  it('a Cluster that is deleted while its leaf is away waits and says so, also after a restart', async () => {
    await leaf(1).create(configMaps, { metadata: inDefault('theirs'), data: { a: '1' } } as KubeObject)
    await leaf(1).create(namespaces, { metadata: { name: 'theirs' } })
    await platform.apply(
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: inDefault('settings'), data: { a: '1' } },
      pod('reader', { cluster: 'leaf1', container: { envFrom: [{ configMapRef: { name: 'settings' } }] } }),
    )
    await running('reader')
    await controlPlane(1).pause('kube-apiserver')
    try {
      await says('leaf1', 'Reachable', 'False LeafUnreachable')
      await platform.kubectl(['delete', 'clusters.kosmos.io', 'leaf1', '--wait=false'])
      const saysWhy = () =>
        eventually('it says why it waits', async () =>
          /the leaf cannot be asked/.test(await says('leaf1', 'VirtualNodesReady', 'False Leaving')),
        )
      await saysWhy()
      await platform.killClusterTree()
      // What it says from here on is said by the one that starts.
      const forgotten = { status: { conditions: [], virtualNodes: 0 } }
      unwrap(await root().patch(clusters, { name: 'leaf1' }, forgotten, { type: 'merge', subresource: 'status' }))
      await platform.startClusterTree()
      await saysWhy()
      await says('leaf1', 'Reachable', 'False LeafUnreachable')
      await eventually('it counts its node', async () => (await cluster('leaf1')).status?.virtualNodes === 1)
      assert((await node('leaf1'))?.spec?.taints?.some(({ key }) => key === retiringTaint.key))
    } finally {
      controlPlane(1).resume('kube-apiserver')
    }
    await gone('leaf1')
  })

  it('and then exactly what is ours is gone, in the leaf and in the root', async () => {
    assert.equal(await node('leaf1'), undefined)
    const bound = await root().listAll(pods, { fieldSelector: 'spec.nodeName=kosmos-leaf1' })
    assert.deepEqual(bound, [])
    const left = await Promise.all(
      [pods, configMaps, secrets].map((each) => leaf(1).listAll(each, { labelSelector: 'kosmos.io/root-cluster' })),
    )
    assert.deepEqual(left.flat(), [])
    assert.deepEqual((await leaf(1).get(configMaps, inDefault('theirs')))?.data, { a: '1' })
    assert(await leaf(1).get(namespaces, { name: 'theirs' }))
    assert(await leaf(1).get(namespaces, { name: 'default' }))
    assert(await root().get(configMaps, inDefault('settings')))
    await assertSteady(2)
  })

  it('a Cluster whose node name is taken says so and leaves that node alone', async () => {
    const made = await root().create(nodes, { metadata: { name: 'kosmos-taken', labels: { mine: 'yes' } } })
    assert(made.ok)
    await platform.apply(secretOf('taken', await kubeconfigOf(controlPlane(1))), joined('taken'))
    assert.match(await says('taken', 'VirtualNodesReady', 'False NodeNameTaken'), /kosmos-taken/)
    assert.equal((await cluster('taken')).status?.virtualNodes, 0)
    await remove('taken')
    const untouched = await node('taken')
    assert.equal(untouched?.metadata.uid, made.object.metadata.uid)
    assert.deepEqual(untouched?.metadata.labels, { mine: 'yes' })
  })

  it('an account without the rights that are needed is told which it lacks, and is used once it has them', async () => {
    const admin = controlPlane(1)
    const system = ['-n', systemNamespace]
    await platform.kubectlIn(admin, [...system, 'create', 'serviceaccount', 'weak'])
    const { stdout: token } = await platform.kubectlIn(admin, [...system, 'create', 'token', 'weak'])
    const { clusters: servers, contexts } = JSON.parse(
      (await platform.kubectlIn(admin, ['config', 'view', '--raw', '--flatten', '--minify', '-o', 'json'])).stdout,
    ) as { clusters: object[]; contexts: { context: { user: string } }[] }
    const name = contexts[0]?.context.user
    const users = [{ name, user: { token: token.trim() } }]
    const config = { apiVersion: 'v1', kind: 'Config', clusters: servers, users, contexts }
    await platform.apply(secretOf('weak', JSON.stringify(config)), joined('weak'))
    assert.match(await says('weak', 'CredentialsValid', 'False PermissionsMissing'), /namespaces "kube-system"/)
    const grant = (role: string) =>
      platform.kubectlIn(admin, [
        'create',
        'clusterrolebinding',
        `weak-${role}`,
        `--clusterrole=${role}`,
        `--serviceaccount=${systemNamespace}:weak`,
      ])
    // Reads most things, but neither nodes nor Secrets.
    await grant('view')
    await eventually('it says what is forbidden now', async () =>
      /(nodes|secrets) is forbidden/.test(await says('weak', 'CredentialsValid', 'False PermissionsMissing')),
    )
    await grant('cluster-admin')
    await allWell('weak')
    await remove('weak')
  })

  it('a manifest of the original Kosmos works: its kubeconfig moves into a Secret, which goes with it', async () => {
    const kubeconfig = Buffer.from(await kubeconfigOf(controlPlane(1))).toString('base64')
    await platform.apply({
      apiVersion: 'kosmos.io/v1alpha1',
      kind: 'Cluster',
      metadata: { name: 'original' },
      spec: {
        kubeconfig,
        imageRepository: 'ghcr.io/kosmos-io',
        namespace: 'kosmos-system',
        clusterLinkOptions: { enable: false },
        clusterTreeOptions: { enable: true },
      },
    })
    await allWell('original')
    const { spec } = await cluster('original')
    assert.equal(spec.kubeconfig, undefined)
    const ref = { namespace: systemNamespace, name: spec.credentialsSecretRef?.name ?? '' }
    assert.equal((await root().get(secrets, ref))?.data?.kubeconfig, kubeconfig)
    assert.equal((await node('original'))?.metadata.annotations?.[leafIdAnnotation]?.length, 36)
    await platform.apply(pod('of-original', { cluster: 'original' }))
    await running('of-original')
    await remove('original')
    await eventually('its Secret is gone', async () => !(await root().get(secrets, ref)))
    assert.equal(await leaf(1).get(pods, inDefault('of-original')), undefined)
  })

  it('a virtual node that somebody deletes is made again, and its pods run on', async () => {
    const before = (await node('leaf2')) ?? assert.fail()
    await root().delete(nodes, { name: before.metadata.name })
    await eventually('there is another', async () => {
      const seen = await node('leaf2')
      return seen?.metadata.uid !== before.metadata.uid && isReady(seen)
    })
    await running('steady-2')
    await assertSteady(2)
  })

  it('a Cluster that is disabled, and enabled again before its pods have gone, takes pods as before', async () => {
    const enable = (enable: boolean) => {
      const patch = JSON.stringify({ spec: { clusterTreeOptions: { enable } } })
      return platform.kubectl(['patch', 'clusters.kosmos.io', 'leaf2', '--type=merge', '-p', patch])
    }
    const isClosed = async () => (await node('leaf2'))?.spec?.taints?.some(({ key }) => key === retiringTaint.key)
    const admission = { apiVersion: 'admissionregistration.k8s.io/v1', metadata: { name: 'held' } }
    const matchConstraints = {
      resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['DELETE'], resources: ['pods'] }],
    }
    const validations = [{ expression: "oldObject.metadata.name != 'held'", message: 'not today' }]
    await platform.apply(
      { ...admission, kind: 'ValidatingAdmissionPolicy', spec: { matchConstraints, validations } },
      {
        ...admission,
        kind: 'ValidatingAdmissionPolicyBinding',
        spec: { policyName: 'held', validationActions: ['Deny'] },
      },
      pod('held', { cluster: 'leaf2' }),
    )
    const before = incarnation(await running('held'))
    await eventually('it is held', async () => !(await root().delete(pods, inDefault('held'), { dryRun: true })).ok)
    await enable(false)
    await eventually('it takes no pods', isClosed)
    await eventually('it is said what holds it', async () => {
      const conditions = (await cluster('leaf2')).status?.conditions ?? []
      return conditions.some(
        ({ reason, message }) => reason === 'Leaving' && /default\/held: .*not today/.test(message),
      )
    })
    await enable(true)
    await eventually('it takes pods', async () => !(await isClosed()))
    assert.deepEqual(incarnation(await running('held')), before)
    await platform.kubectl(['delete', 'validatingadmissionpolicybindings,validatingadmissionpolicies', 'held'])
    await eventually('the other pod is gone', async () => !(await root().get(pods, inDefault('steady-2'))))
    await platform.apply(pod('steady-2', { cluster: 'leaf2' }))
    await running('steady-2')
    steady.set('leaf2', await look(2))
  })

  it('a Cluster with pods of a DaemonSet on it can be removed, although they are made again and again', async () => {
    const labels = { app: 'agent' }
    const spec = podSpec({ spec: { tolerations: [{ operator: 'Exists' }] } })
    const annotations = { [daemonsetAllowAnnotation]: 'true' }
    await platform.apply({
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: inDefault('agent'),
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels, annotations }, spec } },
    })
    const agents = () => leaf(2).listAll(pods, { namespace: 'default', labelSelector: 'app=agent' })
    await eventually('one runs in the leaf', async () => (await agents()).length === 1)
    await assertSteady(2)
    await platform.kubectl(['delete', 'clusters.kosmos.io', 'leaf2', '--wait=false'])
    await gone('leaf2')
    assert.deepEqual(await agents(), [])
    assert.equal(await node('leaf2'), undefined)
  })
})
