import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { after, before, describe, it } from 'node:test'
import { isDeepStrictEqual, promisify } from 'node:util'
import { systemNamespace } from '@kosmos/api'
import { type Client, Informer, pods, type Response } from '@kosmos/kube'
import { imageNames } from '@kosmos/testbed'
import { openIdle } from '../platform/exec.ts'
import { postToKubelet } from '../platform/kubelet.ts'
import { deployment, pod, toleration } from '../platform/manifests.ts'
import { readMetrics } from '../platform/metrics.ts'
import { eventually, type Platform, startPlatform } from '../platform/platform.ts'

const digest = async (file: string) => {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

const isRoot = process.getuid?.() === 0
const TALK = ['sh', '-c', 'i=0; while true; do echo "line $i"; i=$((i+1)); sleep 0.2; done']

describe('containers in leaves with real nodes', { skip: isRoot ? false : 'real nodes need root' }, () => {
  let platform: Platform
  const kubectl = (...args: string[]) => platform.kubectl(args)
  const ready = async (name: string) => {
    const { code, stderr } = await kubectl('wait', '--for=condition=Ready', `pod/${name}`, '--timeout=240s')
    assert.equal(code, 0, stderr)
  }

  before(async () => {
    platform = await startPlatform('containers', { leaves: 2, nodes: 'real:1' })
  })
  after(() => platform?.down())

  it('runs ten replicas over both leaves', async () => {
    await platform.apply(deployment('web', 10, { container: { command: TALK } }))
    const { code, stderr } = await kubectl('rollout', 'status', 'deployment/web', '--timeout=240s')
    assert.equal(code, 0, stderr)
    const on = (await platform.root.listAll(pods, { namespace: 'default', labelSelector: 'app=web' })).map(
      (p) => p.spec.nodeName,
    )
    assert.deepEqual([...new Set(on)].sort(), ['kosmos-leaf1', 'kosmos-leaf2'])
  })

  it('describes a pod with its addresses, states and Events', async () => {
    await platform.apply(pod('described', { cluster: 'leaf1', container: { command: TALK } }))
    await ready('described')
    const { stdout } = await kubectl('describe', 'pod', 'described')
    assert.match(stdout, /State:\s+Running/)
    assert.match(stdout, /IP:\s+\d+\.\d+\.\d+\.\d+/)
    await eventually('what we do is told, and what the kubelet of the leaf does', async () => {
      const { stdout } = await kubectl(
        'get',
        'events',
        '--field-selector',
        'involvedObject.name=described',
        '-o',
        'wide',
      )
      return /CreatedInLeaf/.test(stdout) && /Started\s.*kubelet, \S+ \(leaf1\)/.test(stdout)
    })
  })

  describe('kubectl logs', () => {
    before(async () => {
      const script = 'for i in 1 2 3 4 5; do echo "out $i"; done; echo "err" >&2; sleep 3600'
      await platform.apply(pod('speaker', { cluster: 'leaf1', container: { command: ['sh', '-c', script] } }))
      await ready('speaker')
      await eventually('it has said all', async () => {
        const said = await own()
        return said.includes('out 5\n') && said.includes('err\n')
      })
    })

    const own = async (...options: string[]) => {
      const [leaf] = platform.testbed.leaves
      assert(leaf)
      return (await platform.kubectlIn(leaf, ['logs', 'speaker', ...options])).stdout
    }

    for (const options of [[], ['--tail=2'], ['--tail=0'], ['--limit-bytes=9'], ['--timestamps'], ['--since=1h']]) {
      it(`with ${options.join(' ') || 'no option'} equals the leaf's own, byte for byte`, async () => {
        const { stdout, code } = await kubectl('logs', 'speaker', ...options)
        assert.equal(code, 0)
        assert.equal(stdout, await own(...options))
      })
    }

    it('follows until the pod ends', async () => {
      const script = 'for i in 1 2 3; do echo "step $i"; sleep 0.3; done'
      await platform.apply(
        pod('finite', {
          cluster: 'leaf2',
          container: { command: ['sh', '-c', script] },
          spec: { restartPolicy: 'Never' },
        }),
      )
      await eventually('it has started', async () => {
        const seen = await platform.root.get(pods, { namespace: 'default', name: 'finite' })
        return seen?.status?.phase !== 'Pending'
      })
      const { stdout, code } = await kubectl('logs', '-f', 'finite')
      assert.equal(code, 0)
      assert.equal(stdout, 'step 1\nstep 2\nstep 3\n')
      await eventually('it is Succeeded', async () => {
        return (await platform.root.get(pods, { namespace: 'default', name: 'finite' }))?.status?.phase === 'Succeeded'
      })
    })

    it('tells what a container said before it was started again', async () => {
      const container = { command: ['sh', '-c', 'echo "my last words"; exit 1'] }
      await platform.apply(pod('relapsing', { cluster: 'leaf2', container }))
      await eventually('it has been started again', async () => {
        return (await kubectl('logs', 'relapsing', '--previous')).stdout === 'my last words\n'
      })
      await kubectl('delete', 'pod', 'relapsing', '--wait=false')
    })

    it('of a container that does not exist says so as a node does', async () => {
      const { code, stderr } = await kubectl('logs', 'speaker', '-c', 'nobody')
      assert.equal(code, 1)
      assert.match(stderr, /container nobody is not valid for pod speaker/)
    })
  })

  describe('kubectl exec', () => {
    it('gives the exit code of the command', async () => {
      const { code, stdout } = await kubectl('exec', 'speaker', '--', 'sh', '-c', 'echo out; exit 7')
      assert.equal(stdout, 'out\n')
      assert.equal(code, 7)
    })

    it('passes stdin to its end', async () => {
      const { stdout, code } = await platform.kubectl(['exec', '-i', 'speaker', '--', 'wc', '-c'], 'twelve bytes')
      assert.equal(code, 0)
      assert.equal(stdout.trim(), '12')
    })

    it('carries megabytes both ways unchanged', async () => {
      const bytes = randomBytes(3 * 1024 * 1024).toString('base64')
      const { stdout } = await platform.kubectl(
        ['exec', '-i', 'speaker', '--', 'sh', '-c', 'tee /tmp/in | sha256sum'],
        bytes,
      )
      assert.equal(stdout.split(' ')[0], createHash('sha256').update(bytes).digest('hex'))
      const back = await kubectl('exec', 'speaker', '--', 'cat', '/tmp/in')
      assert.equal(back.stdout, bytes)
    })

    it('copies a gibibyte there and back unchanged', async () => {
      const dir = mkdtempSync(path.join(os.tmpdir(), 'kosmos-copy-'))
      try {
        const [there, back] = [path.join(dir, 'there'), path.join(dir, 'back')]
        const random = createReadStream('/dev/urandom', { end: 2 ** 30 - 1, highWaterMark: 2 ** 20 })
        await pipeline(random, createWriteStream(there))
        for (const pair of [
          [there, 'speaker:/tmp/copy'],
          ['speaker:/tmp/copy', back],
        ]) {
          const { code, stderr } = await kubectl('cp', ...pair)
          assert.equal(code, 0, stderr)
        }
        const [sent, received] = await Promise.all([there, back].map(digest))
        assert.equal(received, sent)
        await kubectl('exec', 'speaker', '--', 'rm', '/tmp/copy')
      } finally {
        rmSync(dir, { recursive: true })
      }
    })

    it('serves two hundred sessions at once', async () => {
      const { kubeconfig } = platform.testbed.root
      const close = await openIdle({ kubeconfig, namespace: 'default', pod: 'speaker' }, 200)
      const open = async () => {
        const metrics = await readMetrics(platform.kosmos.secureMetrics)
        return Number(/^kosmos_kubelet_open_streams\{route="\/exec"\} (\d+)$/m.exec(metrics)?.[1])
      }
      // Those of before are closed a moment after their users have gone.
      await eventually('they are open, and no other', async () => (await open()) === 200)
      assert.equal((await kubectl('exec', 'speaker', '--', 'echo', 'more')).stdout, 'more\n')
      close()
      await eventually(
        'they are gone with their users, although their commands go on',
        async () => (await open()) === 0,
      )
    })

    it('works over SPDY, as older clients speak', async () => {
      const oldClient = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false' }
      const { code, stdout } = await platform.kubectl(['exec', 'speaker', '--', 'echo', 'spdy'], undefined, oldClient)
      assert.equal(code, 0)
      assert.equal(stdout, 'spdy\n')
    })
    it('gives a command a terminal of the size that the user has', async () => {
      const { kubeconfig } = platform.testbed.root
      const exec = `${platform.testbed.bin.kubectl} --kubeconfig ${kubeconfig} exec -it speaker -- sh -c 'until stty size | grep "33 99"; do sleep 0.1; done'`
      // script(1) of util-linux gives kubectl a terminal, as nobody sits at one here.
      // The size arrives right after the start, so the command waits until it has it.
      const { stdout } = await promisify(execFile)('script', ['-qec', `stty rows 33 cols 99; ${exec}`, '/dev/null'])
      assert.match(stdout, /33 99/)
    })
  })

  it('tells what its pods use, as a kubelet does, and nothing of other pods', async () => {
    const node = '/api/v1/nodes/kosmos-leaf1/proxy'
    const speaker = await platform.root.get(pods, { namespace: 'default', name: 'speaker' })
    const summary = await eventually('the leaf has measured', async () => {
      const { stdout } = await kubectl('get', '--raw', `${node}/stats/summary`)
      const { pods = [], node: total } = JSON.parse(stdout || '{}')
      const found = pods.find(({ podRef }: { podRef: { name: string } }) => podRef.name === 'speaker')
      return found?.memory?.workingSetBytes > 0 && { pods, total, found }
    })
    assert.equal(summary.found.podRef.uid, speaker?.metadata.uid)
    assert.equal(summary.total.nodeName, 'kosmos-leaf1')
    assert.ok(summary.pods.every(({ podRef }: { podRef: { namespace: string } }) => podRef.namespace === 'default'))
    const measured = await eventually('its metrics have that as well', async () => {
      const { stdout } = await kubectl('get', '--raw', `${node}/metrics/resource`)
      return /^container_memory_working_set_bytes\{.*pod="speaker",namespace="default"\} \d/m.test(stdout) && stdout
    })
    assert.match(measured, /^node_memory_working_set_bytes \d/m)
    assert.doesNotMatch(measured, /kube-system/)
  })

  it('has the kubelet of the leaf make a checkpoint, and says what that says, to who may create nodes/checkpoint only', async (context) => {
    const tokenOf = async (name: string) => {
      await kubectl('create', 'serviceaccount', name)
      return (await kubectl('create', 'token', name)).stdout.trim()
    }
    const [stranger, saver] = [await tokenOf('stranger'), await tokenOf('saver')]
    await kubectl('create', 'clusterrole', 'checkpoints', '--verb=create', '--resource=nodes/checkpoint')
    await kubectl(
      'create',
      'clusterrolebinding',
      'saver',
      '--clusterrole=checkpoints',
      '--serviceaccount=default:saver',
    )
    const post = (token: string, container: string) =>
      postToKubelet(platform, { node: 'kosmos-leaf1', path: `/checkpoint/default/speaker/${container}`, token })
    assert.equal((await post(stranger, 'main')).code, 403)
    const can = [
      'auth',
      'can-i',
      'create',
      'nodes',
      '--subresource=checkpoint',
      '--as=system:serviceaccount:default:saver',
    ]
    await eventually('the root knows of the binding', async () => (await kubectl(...can)).stdout.startsWith('yes'))
    const { code, text } = await post(saver, 'main')
    assert.deepEqual([code, /it needs "create" on nodes\/proxy/.test(text)], [501, true], text)

    // From here on whoever owns the leaf lets Kosmos ask its kubelets.
    const [leaf] = platform.testbed.leaves
    const [client] = platform.leaves
    assert(leaf && client)
    const account = (
      await kubectl(
        'get',
        'clusters.kosmos.io',
        'leaf1',
        '-o',
        'jsonpath={.metadata.annotations.kosmos\\.io/leaf-account}',
      )
    ).stdout
    await platform.kubectlIn(leaf, ['create', 'clusterrole', 'nodes-proxy', '--verb=create', '--resource=nodes/proxy'])
    const binding = ['--clusterrole=nodes-proxy', `--serviceaccount=${systemNamespace}:${account}`]
    await platform.kubectlIn(leaf, ['create', 'clusterrolebinding', 'nodes-proxy', ...binding])
    await eventually('the leaf lets Kosmos ask its kubelets', async () => (await post(saver, 'nobody')).code !== 501)
    for (const container of ['nobody', 'main']) {
      const path = `/api/v1/nodes/${leaf.nodes[0]}/proxy/checkpoint/default/speaker/${container}`
      const straight: Response = await client.connection.request({ method: 'POST', path, accept: '*/*' })
      const through = await post(saver, container)
      // The archive's name has the time in it.
      const said = (body: unknown) =>
        (typeof body === 'string' ? body : JSON.stringify(body)).replace(/\d{4}-[\d-]+T[^".]*/g, 'TIME')
      context.diagnostic(`${container}: ${through.code} ${through.text}`)
      assert.deepEqual([through.code, said(through.text)], [straight.code, said(straight.body)])
      // Without CRIU it cannot be made, which the kubelet says of the container.
      if (container === 'nobody') assert.equal(through.code, 404)
      else
        assert.match(
          `${through.code} ${through.text}`,
          /^200 \{"items":\[".*checkpoint-speaker_default-main-|^500 checkpointing of default\/speaker\/main failed/,
        )
    }
    assert.equal((await post(stranger, 'main')).code, 403)
  })

  it('attaches to a pod that kubectl run starts, with stdin to its end', async () => {
    const overrides = JSON.stringify({
      spec: { tolerations: [toleration], nodeSelector: { 'kosmos.io/cluster': 'leaf2' } },
    })
    const { stdout, stderr, code } = await platform.kubectl(
      [
        'run',
        'shell',
        '-i',
        '--rm',
        '--restart=Never',
        `--image=${imageNames.busybox}`,
        `--overrides=${overrides}`,
      ].concat('--', 'sh', '-c', 'read line; echo "heard $line"'),
      'what I said\n',
    )
    assert.equal(code, 0, stderr)
    assert.match(stdout, /heard what I said/)
  })

  it('attaches a terminal to a pod that waits for what is typed', async () => {
    const script = 'read line; tty; echo "heard $line"; sleep 3600'
    const container = { command: ['sh', '-c', script], stdin: true, tty: true }
    await platform.apply(pod('terminal', { cluster: 'leaf2', container }))
    await ready('terminal')
    const { root, bin } = platform.testbed
    // In the background, as timeout puts it by default, kubectl would be stopped when it touches the terminal.
    const attach = `timeout --foreground 120 ${bin.kubectl} --kubeconfig ${root.kubeconfig} attach -it terminal`
    const session = promisify(execFile)('script', ['-qec', attach, '/dev/null'])
    await eventually('it is heard', async () => {
      session.child.stdin?.write('what I typed\n')
      return (await kubectl('logs', 'terminal')).stdout.includes('heard what I typed')
    })
    await kubectl('delete', 'pod', 'terminal', '--wait=false')
    // What is typed while it is on its way is echoed by the terminal in between.
    assert.match((await session).stdout, /\/dev\/pts\/\d+\s+(what I typed\s+)*heard what I typed/)
  })

  it('debugs a running pod with a container beside it, which sees its processes', async () => {
    const args = ['debug', 'speaker', `--image=${imageNames.busybox}`, '--container=debugger', '--target=main']
    const { code, stderr } = await kubectl(...args, '--', 'sh', '-c', 'ps | grep "[s]leep 3600"; echo looked')
    assert.equal(code, 0, stderr)
    const said = await eventually('the debugger has looked', async () => {
      const { stdout } = await kubectl('logs', 'speaker', '-c', 'debugger')
      return stdout.includes('looked') && stdout
    })
    assert.match(said, /sleep 3600/)
  })

  it('takes over a new image and new labels of a running pod, and keeps what the leaf added', async () => {
    const [leaf] = platform.leaves
    assert(leaf)
    const ref = { namespace: 'default', name: 'described' }
    const before = await leaf.get(pods, ref)
    await leaf.patch(pods, ref, { metadata: { annotations: { 'cni.example/ip': '10.0.0.1' } } }, { type: 'merge' })
    assert.equal((await kubectl('label', 'pod', 'described', 'tier=web')).code, 0)
    assert.equal((await kubectl('set', 'image', 'pod/described', `main=${imageNames.pause}`)).code, 0)
    const after = await eventually('the copy has both', async () => {
      const seen = await leaf.get(pods, ref)
      return seen?.metadata.labels?.tier === 'web' && seen.spec.containers[0]?.image === imageNames.pause && seen
    })
    assert.equal(after.metadata.uid, before?.metadata.uid)
    assert.equal(after.metadata.annotations?.['cni.example/ip'], '10.0.0.1')
    await eventually('the root tells of the restart, and that the change was seen', async () => {
      const seen = await platform.root.get(pods, ref)
      const { observedGeneration, containerStatuses } = seen?.status ?? {}
      return observedGeneration === seen?.metadata.generation && (containerStatuses?.[0]?.restartCount ?? 0) > 0
    })
  })

  it('says what the node of the leaf makes of a resize: that it is done, or why not', async () => {
    const requests = (cpu: string) => ({ name: 'main', resources: { requests: { cpu } } })
    await platform.apply(pod('resized', { cluster: 'leaf1', container: { command: TALK, ...requests('10m') } }))
    await ready('resized')
    const resize = JSON.stringify({ spec: { containers: [requests('20m')] } })
    const { code, stderr } = await kubectl('patch', 'pod', 'resized', '--subresource=resize', '-p', resize)
    assert.equal(code, 0, stderr)
    const said = async (client: Client | undefined) => {
      const seen = await client?.get(pods, { namespace: 'default', name: 'resized' })
      const pending = seen?.status?.conditions?.find(({ type }) => type === 'PodResizePending')
      const has = seen?.status?.containerStatuses?.[0]?.resources?.requests?.cpu
      const isSeen = seen?.status?.observedGeneration === seen?.metadata.generation && seen?.metadata.generation !== 1
      return isSeen && (pending || has === '20m') && [has, pending?.status, pending?.reason, pending?.message]
    }
    await eventually('both sides say the same', async () => {
      const [here, there] = await Promise.all([said(platform.root), said(platform.leaves[0])])
      return here && isDeepStrictEqual(here, there)
    })
  })

  it('tells that a container was killed because it took more memory than it may', async () => {
    const resources = { limits: { memory: '24Mi' } }
    const greedy = { command: ['sh', '-c', 'tail /dev/zero'], resources }
    await platform.apply(pod('greedy', { cluster: 'leaf1', container: greedy, spec: { restartPolicy: 'Never' } }))
    const ended = await eventually('it has failed', async () => {
      const seen = await platform.root.get(pods, { namespace: 'default', name: 'greedy' })
      return seen?.status?.phase === 'Failed' && seen
    })
    const { terminated } = ended.status?.containerStatuses?.[0]?.state ?? {}
    assert.deepEqual([terminated?.reason, terminated?.exitCode], ['OOMKilled', 137])
  })

  it('tells that the leaf has no driver for a volume, and does nothing to other pods', async () => {
    const volumes = [{ name: 'data', csi: { driver: 'none.example.com' } }]
    const volumeMounts = [{ name: 'data', mountPath: '/data' }]
    await platform.apply(pod('driverless', { cluster: 'leaf1', container: { volumeMounts }, spec: { volumes } }))
    await eventually('it is said on the pod', async () => {
      return /FailedMount.*none\.example\.com/.test((await kubectl('describe', 'pod', 'driverless')).stdout)
    })
    await platform.apply(pod('beside', { cluster: 'leaf1', container: { command: TALK } }))
    await ready('beside')
    await kubectl('delete', 'pod', 'driverless', '--wait=false')
  })

  it('ends a pod within the grace that was asked for', async () => {
    const script = 'trap "echo terminated; exit 0" TERM; while true; do sleep 0.1; done'
    await platform.apply(
      pod('polite', {
        cluster: 'leaf1',
        container: { command: ['sh', '-c', script] },
        spec: { terminationGracePeriodSeconds: 30 },
      }),
    )
    await ready('polite')
    const [client] = platform.leaves
    assert(client)
    const graces = new Set<number | undefined>()
    const labelSelector = 'app=polite'
    const informer = new Informer({ client, resource: pods, namespace: 'default', labelSelector })
    informer.subscribe(({ object }) => graces.add(object.metadata.deletionGracePeriodSeconds))
    const stop = new AbortController()
    const watching = informer.run(stop.signal)
    await informer.synced
    const { code } = await kubectl('delete', 'pod', 'polite', '--grace-period=5', '--timeout=240s')
    assert.equal(code, 0)
    await eventually('it is gone in the leaf', () => informer.get('default/polite') === undefined)
    stop.abort()
    await watching
    assert(graces.has(5) && !graces.has(30), `its copy had ${[...graces]} seconds`)
  })

  it('leaves running containers alone when our process is killed and started again', async () => {
    const before = await platform.root.listAll(pods, { namespace: 'default', labelSelector: 'app=web' })
    await platform.killClusterTree()
    await platform.startClusterTree()
    await eventually(
      'the API of the node answers again',
      async () => (await kubectl('logs', 'speaker', '--tail=1')).code === 0,
    )
    const after = await platform.root.listAll(pods, { namespace: 'default', labelSelector: 'app=web' })
    const facts = (all: typeof before) =>
      all.map(({ metadata, status }) => [
        metadata.uid,
        status?.containerStatuses?.map((c) => [c.containerID, c.restartCount]),
      ])
    assert.deepEqual(facts(after), facts(before))
  })
})
