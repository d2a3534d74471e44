import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { configMaps, events, type Pod, pods, secrets } from '@kosmos/kube'
import { deployment, pod, podSpec } from '../platform/manifests.ts'
import { eventually, type Platform, startPlatform } from '../platform/platform.ts'
import { setTreeOptions } from '../platform/tree-options.ts'
import { ordinalRounds } from './ordinal-rounds.ts'

/** How often pods of a StatefulSet are deleted and made again. */
const ORDINAL_ROUNDS = Number(process.env.KOSMOS_ORDINAL_ROUNDS ?? 30)
const inDefault = (name: string) => ({ namespace: 'default', name })

describe('pods of the root that run in leaves', () => {
  let platform: Platform
  const root = () => platform.root
  const leaf1 = () => {
    const [first] = platform.leaves
    assert(first)
    return first
  }
  const rootPod = (name: string) => root().get(pods, inDefault(name))
  const leafPod = (name: string) => leaf1().get(pods, inDefault(name))
  const running = (name: string) =>
    eventually(`pod ${name} runs`, async () => {
      const seen = await rootPod(name)
      return seen?.status?.phase === 'Running' && seen
    })
  const waitingReason = (seen: Pod | undefined) => seen?.status?.containerStatuses?.[0]?.state?.waiting?.reason

  before(async () => {
    platform = await startPlatform('pods')
  })
  after(() => platform?.down())

  it('spreads a Deployment over the leaves, and each pod says where it is', async () => {
    await platform.apply(deployment('web', 10))
    const { code, stderr } = await platform.kubectl(['rollout', 'status', 'deployment/web', '--timeout=240s'])
    assert.equal(code, 0, stderr)
    const { stdout } = await platform.kubectl(['get', 'pods', '-l', 'app=web', '-o', 'wide'])
    assert.match(stdout, /kosmos-leaf1/)
    assert.match(stdout, /kosmos-leaf2/)
    assert.equal((await platform.kubectl(['delete', 'deployment', 'web', '--timeout=240s'])).code, 0)
    await eventually('no pod is left in a leaf', async () => {
      const left = await Promise.all(platform.leaves.map((leaf) => leaf.listAll(pods, { namespace: 'default' })))
      return left.flat().length === 0
    })
  })

  it('tells in an Event that the API-access token is left out', async () => {
    await platform.apply(pod('token', { cluster: 'leaf1' }))
    await running('token')
    const event = await eventually('an Event says so', async () => {
      const all = await root().listAll(events, { namespace: 'default' })
      return all.find(({ regarding, reason }) => regarding?.name === 'token' && reason === 'ApiAccessOmitted')
    })
    assert.match(event.note ?? '', /token/)
    assert.equal((await leafPod('token'))?.spec.automountServiceAccountToken, false)
  })

  it('copies what a pod refers to, keeps it current, and removes it after the last pod', async () => {
    await platform.apply(
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: inDefault('settings'), data: { colour: 'red' } },
      { apiVersion: 'v1', kind: 'Secret', metadata: inDefault('password'), stringData: { value: 'one' } },
      pod('reader', {
        cluster: 'leaf1',
        container: { envFrom: [{ configMapRef: { name: 'settings' } }, { secretRef: { name: 'password' } }] },
      }),
    )
    await running('reader')
    assert.equal((await leaf1().get(configMaps, inDefault('settings')))?.data?.colour, 'red')
    await platform.apply({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: inDefault('settings'),
      data: { colour: 'blue' },
    })
    await eventually('the copy follows', async () => {
      return (await leaf1().get(configMaps, inDefault('settings')))?.data?.colour === 'blue'
    })
    const copy = await leaf1().get(secrets, inDefault('password'))
    assert(copy)
    await leaf1().delete(secrets, inDefault('password'))
    await eventually('a copy that somebody deleted comes back', async () => {
      const again = await leaf1().get(secrets, inDefault('password'))
      return again && again.metadata.uid !== copy.metadata.uid
    })
    await platform.kubectl(['delete', 'pod', 'reader'])
    await eventually('both copies are gone', async () => {
      const left = [
        await leaf1().get(configMaps, inDefault('settings')),
        await leaf1().get(secrets, inDefault('password')),
      ]
      return left.every((object) => object === undefined)
    })
  })

  it('brings along the pull secrets of its ServiceAccount, by which the leaf pulls its images', async () => {
    const pullers = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: inDefault('puller') }
    const content = { auths: { 'registry.example': { auth: Buffer.from('me:word').toString('base64') } } }
    await platform.apply(
      { ...pullers, imagePullSecrets: [{ name: 'registry' }] },
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: inDefault('registry'),
        type: 'kubernetes.io/dockerconfigjson',
        stringData: { '.dockerconfigjson': JSON.stringify(content) },
      },
      pod('pulling', { cluster: 'leaf1', spec: { serviceAccountName: 'puller' } }),
    )
    await running('pulling')
    assert.deepEqual((await leafPod('pulling'))?.spec.imagePullSecrets, [{ name: 'registry' }])
    const copy = await leaf1().get(secrets, inDefault('registry'))
    assert.equal(copy?.type, 'kubernetes.io/dockerconfigjson')
    assert.deepEqual(JSON.parse(Buffer.from(copy?.data?.['.dockerconfigjson'] ?? '', 'base64').toString()), content)
    await platform.kubectl(['delete', 'pod', 'pulling'])
  })

  it('waits for a missing ConfigMap, says so, and starts when it appears', async () => {
    await platform.apply(
      pod('early', { cluster: 'leaf1', container: { envFrom: [{ configMapRef: { name: 'late' } }] } }),
    )
    await eventually(
      'it says what is missing',
      async () => waitingReason(await rootPod('early')) === 'CreateContainerConfigError',
    )
    const { stdout } = await platform.kubectl(['describe', 'pod', 'early'])
    assert.match(stdout, /not found: ConfigMap late/)
    await platform.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: inDefault('late'), data: {} })
    await running('early')
  })

  it('starts without a Secret that it can do without, says so, and has it in the leaf when it is there', async () => {
    const volumes = [{ name: 'keys', secret: { secretName: 'spare', optional: true } }]
    await platform.apply(pod('modest', { cluster: 'leaf1', spec: { volumes } }))
    await running('modest')
    await eventually('an Event says so', async () => {
      const { stdout } = await platform.kubectl(['describe', 'pod', 'modest'])
      return /Normal\s+OptionalSecretNotFound\s.*Secret spare \(volume keys\).*starts without it/.test(stdout)
    })
    await platform.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: inDefault('spare'),
      stringData: { value: 'late' },
    })
    await eventually('it is in the leaf', () => leaf1().get(secrets, inDefault('spare')))
    await platform.kubectl(['delete', 'pod', 'modest'])
    await eventually('it goes with the pod', async () => !(await leaf1().get(secrets, inDefault('spare'))))
  })

  it('uses a ConfigMap of its own where the leaf has another of that name', async () => {
    await leaf1().create(configMaps, { metadata: inDefault('taken'), data: { owner: 'leaf' } } as object)
    await platform.apply(
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: inDefault('taken'), data: { owner: 'root' } },
      pod('guest', { cluster: 'leaf1', container: { envFrom: [{ configMapRef: { name: 'taken' } }] } }),
    )
    await running('guest')
    const copy = await leaf1().get(pods, inDefault('guest'))
    const name = copy?.spec.containers[0]?.envFrom?.[0]?.configMapRef?.name ?? ''
    assert.equal((await leaf1().get(configMaps, inDefault(name)))?.data?.owner, 'root')
    await platform.kubectl(['delete', 'pod', 'guest', '--timeout=240s'])
    await eventually('its copy goes with it', async () => !(await leaf1().get(configMaps, inDefault(name))))
    assert.equal((await leaf1().get(configMaps, inDefault('taken')))?.data?.owner, 'leaf')
  })

  describe('a root pod whose name is taken in the leaf', () => {
    it('stays pending, says which object is in the way, and starts when it goes', async () => {
      const foreign = await leaf1().create(pods, {
        metadata: inDefault('twin'),
        spec: { containers: [{ name: 'other', image: 'other' }] },
      } as object)
      assert(foreign.ok)
      await platform.apply(pod('twin', { cluster: 'leaf1' }))
      await eventually('it says so', async () => waitingReason(await rootPod('twin')) === 'NameTakenInLeaf')
      await eventually('an Event says so', async () => {
        const { stdout } = await platform.kubectl(['describe', 'pod', 'twin'])
        return /Warning\s+NameTakenInLeaf/.test(stdout)
      })
      const untouched = await leafPod('twin')
      assert.equal(untouched?.metadata.uid, foreign.object.metadata.uid)
      assert.equal(untouched?.metadata.labels?.['kosmos-io/pod'], undefined)
      await leaf1().delete(pods, inDefault('twin'), { gracePeriodSeconds: 0 })
      await running('twin')
    })

    it('is deleted without the foreign pod being touched', async () => {
      await leaf1().create(pods, {
        metadata: inDefault('stay'),
        spec: { containers: [{ name: 'a', image: 'a' }] },
      } as object)
      await platform.apply(pod('stay', { cluster: 'leaf1' }))
      await eventually('it says so', async () => waitingReason(await rootPod('stay')) === 'NameTakenInLeaf')
      assert.equal((await platform.kubectl(['delete', 'pod', 'stay', '--timeout=240s'])).code, 0)
      assert.equal((await leafPod('stay'))?.metadata.deletionTimestamp, undefined)
    })
  })

  it('takes a pod that is created again under the same name for another pod', async () => {
    await platform.apply(pod('again', { cluster: 'leaf1' }))
    for (let round = 0; round < 5; round++) {
      const before = await running('again')
      const force = round % 2 ? ['--force', '--grace-period=0'] : []
      await platform.kubectl(['delete', 'pod', 'again', ...force])
      await platform.apply(pod('again', { cluster: 'leaf1' }))
      const after = await running('again')
      assert.notEqual(after.metadata.uid, before.metadata.uid)
      const copy = await leafPod('again')
      assert.equal(copy?.metadata.annotations?.['kosmos.io/root-uid'], after.metadata.uid)
      assert.equal(copy?.metadata.deletionTimestamp, undefined)
    }
  })

  it('never shows of a StatefulSet pod what the leaf said of the one before it, however often they are replaced at once', async (context) => {
    const ordinals = Math.max(10, Math.ceil(ORDINAL_ROUNDS / 10))
    const seed = Number(process.env.KOSMOS_SEED ?? Date.now() % 1_000_000)
    const options = { namespace: 'default', ordinals, rounds: ORDINAL_ROUNDS, seed }
    const { faults, incarnations, reflected, seconds } = await ordinalRounds(platform, options)
    context.diagnostic(
      `seed ${seed}: ${incarnations} incarnations, ${reflected} with a status, ${seconds.toFixed(0)} s`,
    )
    assert.deepEqual(faults, [], `seed ${seed}`)
    assert.ok(incarnations >= ordinals + ORDINAL_ROUNDS, `${incarnations} incarnations`)
    assert.ok(reflected > ordinals, `${reflected} of them had a status of the leaf`)
    await platform.kubectl(['delete', 'statefulset', 'ordinals', '--cascade=foreground'])
  })

  it('reports a pod that vanished in the leaf as Failed, so that its owner replaces it', async () => {
    await platform.apply(deployment('kept', 1, { cluster: 'leaf1' }))
    const first = await eventually('it runs', async () => {
      const [only] = await root().listAll(pods, { namespace: 'default', labelSelector: 'app=kept' })
      return only?.status?.phase === 'Running' && only
    })
    await leaf1().delete(pods, inDefault(first.metadata.name), { gracePeriodSeconds: 0 })
    await eventually('a replacement runs', async () => {
      const all = await root().listAll(pods, { namespace: 'default', labelSelector: 'app=kept' })
      return all.some(({ metadata, status }) => metadata.uid !== first.metadata.uid && status?.phase === 'Running')
    })
    const failed = await rootPod(first.metadata.name)
    assert.equal(failed?.status?.phase, 'Failed')
    assert(failed?.status?.conditions?.some(({ type, status }) => type === 'DisruptionTarget' && status === 'True'))
  })

  it('says what the leaf said when it refuses a pod, and creates it when the cause is gone', async () => {
    await platform.kubectl(['create', 'namespace', 'tight'])
    await leaf1().create(
      { group: '', version: 'v1', kind: 'Namespace', plural: 'namespaces', namespaced: false },
      {
        metadata: { name: 'tight' },
      },
    )
    const quota = { group: '', version: 'v1', kind: 'ResourceQuota', plural: 'resourcequotas', namespaced: true }
    const stored = await leaf1().create(quota, {
      metadata: { namespace: 'tight', name: 'none' },
      spec: { hard: { pods: '0' } },
    } as object)
    assert(stored.ok)
    await eventually('the quota is in force', async () => {
      const seen = (await leaf1().get(quota, { namespace: 'tight', name: 'none' })) as
        | { status?: { hard?: object } }
        | undefined
      return seen?.status?.hard
    })
    await platform.apply(pod('squeezed', { cluster: 'leaf1', namespace: 'tight' }))
    await eventually('it says so', async () => {
      const seen = await root().get(pods, { namespace: 'tight', name: 'squeezed' })
      return waitingReason(seen) === 'RefusedByLeaf' && /exceeded quota/.test(seen?.status?.message ?? '')
    })
    await leaf1().delete(quota, { namespace: 'tight', name: 'none' })
    await eventually(
      'it runs',
      async () => (await root().get(pods, { namespace: 'tight', name: 'squeezed' }))?.status?.phase === 'Running',
    )
  })

  describe('a pod that asks for what its leaf has not', () => {
    const apart = { cluster: 'leaf1', container: { resources: { limits: { 'example.com/gpu': '1' } } } }
    const runtimeClass = {
      apiVersion: 'node.k8s.io/v1',
      kind: 'RuntimeClass',
      metadata: { name: 'apart' },
      handler: 'h',
    }

    it('says which runtime class is missing, and starts when it is there', async () => {
      await platform.apply(runtimeClass)
      await platform.apply(pod('contained', { cluster: 'leaf1', spec: { runtimeClassName: 'apart' } }))
      await eventually('it says so', async () => {
        const seen = await rootPod('contained')
        return (
          waitingReason(seen) === 'RefusedByLeaf' && /RuntimeClass "apart" not found/.test(seen?.status?.message ?? '')
        )
      })
      await eventually('an Event says so', async () => {
        const { stdout } = await platform.kubectl(['describe', 'pod', 'contained'])
        return /Warning\s+RefusedByLeaf.*apart/.test(stdout)
      })
      const [leaf] = platform.testbed.leaves
      assert(leaf)
      const made = await platform.kubectlIn(leaf, ['apply', '-f', '-'], JSON.stringify(runtimeClass))
      assert.equal(made.code, 0, made.stderr)
      await running('contained')
    })

    it('says which priority class is missing, and has the priority that the leaf gives it', async () => {
      const priorityClass = (name: string, value: number) => ({
        apiVersion: 'scheduling.k8s.io/v1',
        kind: 'PriorityClass',
        metadata: { name },
        value,
      })
      await platform.apply(priorityClass('gold', 1_000_000))
      await platform.apply(pod('unnamed', { cluster: 'leaf1', spec: { priorityClassName: 'gold' } }))
      await running('unnamed')
      const { stdout } = await platform.kubectl(['describe', 'pod', 'unnamed'])
      assert.match(stdout, /PriorityClassOmitted.*priorityClasses/)
      assert.equal((await leafPod('unnamed'))?.spec.priority, 0)
      await setTreeOptions(root(), 'leaf1', { priorityClasses: { gold: 'premium' } })
      // The Cluster may be heard of after a pod.
      const named = await eventually('a pod is refused', async () => {
        const name = `named-${Date.now()}`
        await platform.apply(pod(name, { cluster: 'leaf1', spec: { priorityClassName: 'gold' } }))
        const seen = await eventually('it is looked at', async () => {
          const one = await rootPod(name)
          return (waitingReason(one) === 'RefusedByLeaf' || one?.status?.phase === 'Running') && one
        })
        return /no PriorityClass with name premium was found/.test(seen.status?.message ?? '') && name
      })
      const [leaf] = platform.testbed.leaves
      assert(leaf)
      const made = await platform.kubectlIn(leaf, ['apply', '-f', '-'], JSON.stringify(priorityClass('premium', 7)))
      assert.equal(made.code, 0, made.stderr)
      await running(named)
      assert.deepEqual(
        [(await leafPod(named))?.spec.priority, (await rootPod(named))?.spec.priority],
        [7, 1_000_000],
        'each cluster has its own',
      )
    })

    it('waits when it asks for devices by ResourceClaim, and says that these do not come along', async () => {
      const resourceClaims = [{ name: 'gpu', resourceClaimName: 'mine' }]
      await platform.apply(pod('by-claim', { spec: { nodeName: 'kosmos-leaf1', resourceClaims } }))
      await eventually('it says so', async () => waitingReason(await rootPod('by-claim')) === 'ResourceClaimNotCarried')
      await eventually('an Event says so', async () => {
        const { stdout } = await platform.kubectl(['describe', 'pod', 'by-claim'])
        return /Warning\s+ResourceClaimNotCarried.*\(gpu\)/.test(stdout)
      })
      assert.equal(await leafPod('by-claim'), undefined)
    })

    it('is sent nowhere while no node has such a device, and says so', async () => {
      await platform.apply(pod('wants-gpu', apart))
      await eventually('the scheduler says so', async () => {
        const { conditions } = (await rootPod('wants-gpu'))?.status ?? {}
        return conditions?.some(({ message }) => /Insufficient example\.com\/gpu/.test(message ?? ''))
      })
      assert.equal((await rootPod('wants-gpu'))?.spec.nodeName, undefined)
    })

    it('says that no leaf node has the device when somebody has bound it by hand', async () => {
      await platform.apply(pod('gpu-by-hand', { ...apart, spec: { nodeName: 'kosmos-leaf1' } }))
      await eventually('it says so', async () => {
        const seen = await rootPod('gpu-by-hand')
        return /Insufficient example\.com\/gpu/.test(seen?.status?.message ?? '')
      })
      await platform.apply(pod('undisturbed', { cluster: 'leaf1' }))
      await running('undisturbed')
    })
  })

  it('are not those of a DaemonSet that means other nodes: it makes none, or they wait if it tolerates everything', async () => {
    const daemonSet = (name: string, tolerations: readonly object[], annotations: object = {}) => {
      const labels = { app: name }
      const template = { metadata: { labels, annotations }, spec: podSpec({ spec: { tolerations } }) }
      const metadata = { name, namespace: 'default' }
      return {
        apiVersion: 'apps/v1',
        kind: 'DaemonSet',
        metadata,
        spec: { selector: { matchLabels: labels }, template },
      }
    }
    const everything = [{ operator: 'Exists' }]
    await platform.apply(daemonSet('exporter', []), daemonSet('proxy', everything))
    const ofApp = (app: string) => root().listAll(pods, { namespace: 'default', labelSelector: `app=${app}` })
    await eventually('those that came all the same wait', async () => {
      const all = await ofApp('proxy')
      return all.length === 2 && all.every((one) => waitingReason(one) === 'DaemonSetNotAllowed')
    })
    await eventually('the other has been looked at', async () => {
      const path = 'jsonpath={.status.observedGeneration} {.status.desiredNumberScheduled}'
      return (await platform.kubectl(['get', 'daemonset', 'exporter', '-o', path])).stdout === '1 0'
    })
    assert.deepEqual(await ofApp('exporter'), [])
    assert.deepEqual(
      await leaf1().listAll(pods, { namespace: 'default', labelSelector: 'app in (proxy,exporter)' }),
      [],
    )
    await platform.apply(daemonSet('wanted', everything, { 'kosmos-io/daemonset-allow': 'true' }))
    await eventually('one that is asked for runs on both', async () => {
      const all = await ofApp('wanted')
      return all.length === 2 && all.every(({ status }) => status?.phase === 'Running')
    })
    await platform.kubectl(['delete', 'daemonset', 'exporter', 'proxy', 'wanted'])
  })

  it('may be in kube-system, and end there as anywhere', async () => {
    const at = { namespace: 'kube-system', name: 'add-on' }
    await platform.apply(pod(at.name, { cluster: 'leaf1', namespace: at.namespace }))
    await eventually('it runs', async () => (await root().get(pods, at))?.status?.phase === 'Running')
    assert(await leaf1().get(pods, at))
    await platform.kubectl(['delete', 'pod', at.name, '-n', at.namespace, '--timeout=240s'])
    await eventually(
      'it is gone from both',
      async () => !(await root().get(pods, at)) && !(await leaf1().get(pods, at)),
    )
  })

  it('are together on a node of the leaf when they ask for that, and on the one that they name to the leaf', async () => {
    const labelSelector = { matchLabels: { app: 'together' } }
    const term = { topologyKey: 'kubernetes.io/hostname', labelSelector }
    const podAffinity = { requiredDuringSchedulingIgnoredDuringExecution: [term] }
    await platform.apply(deployment('together', 3, { cluster: 'leaf1', spec: { affinity: { podAffinity } } }))
    const copies = await eventually('they run', async () => {
      const all = await leaf1().listAll(pods, { namespace: 'default', labelSelector: 'app=together' })
      return all.length === 3 && all.every(({ status }) => status?.phase === 'Running') && all
    })
    // Without that wish a scheduler takes the emptiest node for each.
    assert.equal(new Set(copies.map(({ spec }) => spec.nodeName)).size, 1)
    const selector = { nodeSelector: { 'kubernetes.io/hostname': 'kwok-2' } }
    const annotations = { 'kosmos.io/cluster-selector': JSON.stringify(selector) }
    await platform.apply(pod('choosy', { cluster: 'leaf1', annotations }))
    await running('choosy')
    assert.equal((await leafPod('choosy'))?.spec.nodeName, 'kwok-2')
    await platform.kubectl(['delete', 'deployment', 'together'])
  })

  describe('a virtual node that kubectl drains', () => {
    const ofShop = () => root().listAll(pods, { namespace: 'default', labelSelector: 'app=shop' })

    it('loses its pods to others, takes none, and takes them again when it is uncordoned', async () => {
      await platform.apply(deployment('shop', 4))
      await eventually('it is open on both', async () => {
        const open = (await ofShop()).filter(({ status }) => status?.phase === 'Running')
        return new Set(open.map(({ spec }) => spec.nodeName)).size === 2
      })
      const flags = ['--force', '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=240s']
      const { code, stderr } = await platform.kubectl(['drain', 'kosmos-leaf1', ...flags])
      assert.equal(code, 0, stderr)
      await eventually('all of it is on the other', async () => {
        const all = await ofShop()
        const elsewhere = all.every(
          ({ spec, status }) => spec.nodeName === 'kosmos-leaf2' && status?.phase === 'Running',
        )
        return all.length === 4 && elsewhere
      })
      assert.deepEqual(await leaf1().listAll(pods, { namespace: 'default', labelSelector: 'app=shop' }), [])
      await platform.apply(pod('patient', { cluster: 'leaf1' }))
      await eventually('it is not sent there', async () => {
        const { conditions } = (await rootPod('patient'))?.status ?? {}
        return conditions?.some(({ message }) => /unschedulable/.test(message ?? ''))
      })
      await platform.kubectl(['uncordon', 'kosmos-leaf1'])
      await running('patient')
    })
  })
})
