import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Client, Connection, createTransport, loadKubeConfig, pods, unwrap } from '@kosmos/kube'
import { downTestbed, imageNames, type Testbed, upTestbed } from '@kosmos/testbed'
import { createPod, startVirtualNode, type VirtualNode } from './testing/virtual-node.ts'
import { openChannels } from './testing/websocket.ts'

const skip = process.getuid?.() === 0 ? false : 'real nodes need root'
const testbedName = `kubelet-${process.pid}`

interface Ran {
  readonly code: number | null
  readonly stdout: Buffer
  readonly stderr: string
}

describe('kubectl against a pod of a virtual node', { skip }, () => {
  let testbed: Testbed
  let root: Client
  let leaf: Client
  const virtualNodes: VirtualNode[] = []
  before(
    async () => {
      testbed = await upTestbed({ name: testbedName, leaves: 1, nodes: 'real:1', endsWithProcess: true })
      const connect = async (name: string, file: string) =>
        new Client(new Connection(name, await createTransport(loadKubeConfig({ file }))), 'kosmos-test')
      root = await connect('root', testbed.root.kubeconfig)
      leaf = await connect('leaf1', testbed.leaves[0]?.kubeconfig ?? '')
      const locate = (pod: string) => ({
        kind: 'found' as const,
        connection: leaf.connection,
        namespace: 'default',
        // Both root pods stand for the one in the leaf.
        name: pod.replace(/-websocket$/, ''),
      })
      virtualNodes.push(await startVirtualNode(root, 'spdy', locate))
      virtualNodes.push(await startVirtualNode(root, 'websocket', locate, ['ExtendWebSocketsToKubelet']))
      const script = 'for i in 1 2 3 4 5; do echo out $i; echo err $i >&2; done; while sleep 1; do echo tick; done'
      const containers = [
        { name: 'main', image: imageNames.busybox, imagePullPolicy: 'IfNotPresent', command: ['sh', '-c', script] },
      ]
      await createPod(leaf, 'web', { terminationGracePeriodSeconds: 0, containers })
      await createPod(root, 'web', { nodeName: 'spdy', containers })
      await createPod(root, 'web-websocket', { nodeName: 'websocket', containers })
      const busybox = { image: imageNames.busybox, imagePullPolicy: 'IfNotPresent' }
      const serving = 'mkdir /tmp/www; head -c 3000000 /dev/urandom >/tmp/www/file; exec httpd -f -p 8080 -h /tmp/www'
      const tools = [
        { ...busybox, name: 'server', command: ['sh', '-c', serving] },
        { ...busybox, name: 'echo', command: ['cat'], stdin: true },
      ]
      await createPod(leaf, 'tools', { terminationGracePeriodSeconds: 0, containers: tools })
      await createPod(root, 'tools', { nodeName: 'spdy', containers: tools })
      await createPod(root, 'tools-websocket', { nodeName: 'websocket', containers: tools })
      // Nobody reflects the status here, and kubectl forwards ports of running pods only.
      for (const name of ['tools', 'tools-websocket']) {
        const ref = { namespace: 'default', name }
        unwrap(await root.patch(pods, ref, { status: { phase: 'Running' } }, { type: 'merge', subresource: 'status' }))
      }
      for (const name of ['web', 'tools']) {
        while ((await leaf.get(pods, { namespace: 'default', name }))?.status?.phase !== 'Running') {
          await new Promise((resolve) => setTimeout(resolve, 200))
        }
      }
    },
    { timeout: 600_000 },
  )
  after(async () => {
    for (const node of virtualNodes) await node.close()
    await root?.connection.close()
    await leaf?.connection.close()
    await downTestbed(testbedName)
  })

  const kubectl = (kubeconfig: string, args: readonly string[], options: { input?: Buffer; env?: object } = {}) =>
    new Promise<Ran>((resolve, reject) => {
      const child = spawn(testbed.bin.kubectl ?? '', [`--kubeconfig=${kubeconfig}`, ...args], {
        env: { ...process.env, ...options.env },
        stdio: ['pipe', 'pipe', 'pipe'],
      })
      const stdout: Buffer[] = []
      let stderr = ''
      child.stdout.on('data', (chunk) => stdout.push(chunk))
      child.stderr.on('data', (chunk) => {
        stderr += chunk
      })
      child.on('error', reject)
      child.on('close', (code) => resolve({ code, stdout: Buffer.concat(stdout), stderr }))
      child.stdin.on('error', () => {})
      child.stdin.end(options.input ?? Buffer.alloc(0))
    })
  const inRoot = (args: readonly string[], options?: { input?: Buffer; env?: object }) =>
    kubectl(testbed.root.kubeconfig, args, options)
  const inLeaf = (args: readonly string[]) => kubectl(testbed.leaves[0]?.kubeconfig ?? '', args)

  it('shows the same log as in the leaf, byte for byte, with every option', async () => {
    const since = new Date(Date.now() - 3600_000).toISOString().replace(/\.\d+/, '')
    for (const options of [
      ['--limit-bytes=30'],
      ['--timestamps', '--limit-bytes=200'],
      ['--tail=0'],
      ['--since=1h', '--limit-bytes=40'],
      [`--since-time=${since}`, '--limit-bytes=40'],
    ]) {
      const here = await inRoot(['logs', 'web', ...options])
      const there = await inLeaf(['logs', 'web', ...options])
      assert.deepEqual([here.stdout.toString(), here.code], [there.stdout.toString(), 0], options.join(' '))
    }
    const tail = (await inRoot(['logs', 'web', '--tail=1'])).stdout.toString()
    assert.match(tail, /^(out|err|tick).*\n$/)
  })

  it('says the same as in the leaf when there is no such log', async () => {
    const here = await inRoot(['logs', 'web', '--previous'])
    const there = await inLeaf(['logs', 'web', '--previous'])
    assert.equal(here.code, 1)
    assert.equal(here.stderr, there.stderr)
  })

  it('follows a log until it is interrupted', async () => {
    const child = spawn(
      testbed.bin.kubectl ?? '',
      [`--kubeconfig=${testbed.root.kubeconfig}`, 'logs', '-f', '--tail=0', 'web'],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    let lines = 0
    for await (const chunk of child.stdout) {
      lines += String(chunk).split('tick\n').length - 1
      if (lines >= 3) break
    }
    child.kill()
    assert.ok(lines >= 3)
  })

  const ways = {
    'WebSocket to the root, SPDY to the node': { pod: 'web', env: {} },
    'SPDY all the way': { pod: 'web', env: { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false' } },
    'WebSocket all the way': { pod: 'web-websocket', env: {} },
  }
  for (const [way, { pod, env }] of Object.entries(ways)) {
    it(`runs a command with its output, errors and exit code: ${way}`, async () => {
      const { code, stdout, stderr } = await inRoot(
        ['exec', pod, '--', 'sh', '-c', 'echo "to  out"; echo to err >&2; exit 7'],
        { env },
      )
      assert.deepEqual([code, stdout.toString()], [7, 'to  out\n'])
      assert.match(stderr, /^to err\n/)
    })

    it(`carries standard input to its end, whatever the bytes: ${way}`, async () => {
      const input = randomBytes(8 * 1024 * 1024)
      const { code, stdout, stderr } = await inRoot(['exec', '-i', pod, '--', 'sh', '-c', 'cat; echo done >&2'], {
        input,
        env,
      })
      assert.deepEqual([code, stderr], [0, 'done\n'])
      const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
      assert.equal(hash(stdout), hash(input))
    })

    it(`says what is wrong with a container that is not there: ${way}`, async () => {
      const { code, stderr } = await inRoot(['exec', pod, '--', '/no/such/program'], { env })
      assert.notEqual(code, 0)
      assert.match(stderr, /no such file or directory/)
    })
  }

  for (const pod of ['tools', 'tools-websocket']) {
    it(`attaches to a container, both ways: ${pod}`, async () => {
      const child = spawn(
        testbed.bin.kubectl ?? '',
        [`--kubeconfig=${testbed.root.kubeconfig}`, 'attach', '-i', pod, '-c', 'echo'],
        { stdio: ['pipe', 'pipe', 'ignore'] },
      )
      const said = `hello from ${pod}\n`
      // What is written before the container is attached to reaches it as well.
      child.stdin.write(said)
      let heard = ''
      for await (const chunk of child.stdout) {
        heard += String(chunk)
        if (heard.includes(said)) break
      }
      child.kill()
      assert.ok(heard.includes(said))
    })

    it(`forwards a port to many connections at a time: ${pod}`, async () => {
      const child = spawn(
        testbed.bin.kubectl ?? '',
        [`--kubeconfig=${testbed.root.kubeconfig}`, 'port-forward', pod, ':8080'],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      )
      try {
        const [line] = await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])
        const port = /127\.0\.0\.1:(\d+) -> 8080/.exec(String(line))?.[1]
        const answers = await Promise.all(
          Array.from({ length: 10 }, async () => await (await fetch(`http://127.0.0.1:${port}/file`)).arrayBuffer()),
        )
        const hashes = new Set(answers.map((bytes) => createHash('sha256').update(Buffer.from(bytes)).digest('hex')))
        assert.deepEqual([hashes.size, answers[0]?.byteLength], [1, 3_000_000])
      } finally {
        child.kill()
      }
    })

    it(`copies a file in and out again: ${pod}`, async () => {
      const dir = mkdtempSync(path.join(os.tmpdir(), 'kosmos-cp-'))
      try {
        const [here, back] = [path.join(dir, 'here'), path.join(dir, 'back')]
        const bytes = randomBytes(5_000_000)
        writeFileSync(here, bytes)
        assert.equal((await inRoot(['cp', '-c', 'echo', here, `${pod}:/tmp/there`])).code, 0)
        assert.equal((await inRoot(['cp', '-c', 'echo', `${pod}:/tmp/there`, back])).code, 0)
        assert.ok(readFileSync(back).equals(bytes))
      } finally {
        rmSync(dir, { recursive: true })
      }
    })
  }

  for (const pod of ['web', 'web-websocket']) {
    it(`has a terminal whose size follows the client’s: ${pod}`, async () => {
      const session = await openChannels(
        root.connection,
        `/api/v1/namespaces/default/pods/${pod}/exec?command=sh&stdin=true&stdout=true&tty=true`,
      )
      session.send(4, '{"Width":133,"Height":42}')
      session.send(0, 'until stty size | grep "42 133"; do sleep 0.1; done; exit 3\n')
      await session.closed
      assert.match(session.received(1), /^42 133\r$/m)
      assert.match(session.received(3), /"reason":"ExitCode","message":"3"/)
    })
  }

  it('spoke to the nodes as they declare', async () => {
    const [spdy, websocket] = await Promise.all(virtualNodes.map(({ registry }) => registry.metrics()))
    assert.match(spdy ?? '', /requests_total\{route="\/exec",method="POST",code="101"\}/)
    assert.doesNotMatch(spdy ?? '', /route="\/exec",method="GET"/)
    assert.match(websocket ?? '', /requests_total\{route="\/exec",method="GET",code="101"\}/)
  })
})
