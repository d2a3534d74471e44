import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { imageNames } from '../../images/catalog.ts'
import { identify, markOf, processesWithEnvironment } from '../../processes/identity.ts'
import { Journal } from '../../processes/journal.ts'
import { attachTestbed } from '../../testbed/attach.ts'
import { downTestbed } from '../../testbed/down.ts'
import { testbedDir } from '../../testbed/places.ts'
import type { Testbed } from '../../testbed/testbed.ts'
import { upTestbed } from '../../testbed/up.ts'
import { hierarchies } from './cgroups.ts'
import { enterNode } from './enter.ts'
import { cgroupName, uplinkName } from './naming.ts'
import { overlaps, parseRange } from './network/ipv4.ts'

const run = promisify(execFile)
const skip = process.getuid?.() === 0 ? false : 'real nodes need root'

/** What a machine still has of a test bed, looked for where the kernel keeps it and not in our records. */
async function traces(dir: string): Promise<string[]> {
  const { stdout } = await run('ip', ['-json', 'link'])
  const links = (JSON.parse(stdout) as { ifname: string }[]).filter((l) => l.ifname === uplinkName(dir))
  const cgroups = hierarchies(readFileSync('/proc/self/mountinfo', 'utf8'))
    .map((root) => path.join(root, cgroupName(dir)))
    .filter((cgroup) => existsSync(cgroup))
  const mounts = new Set<string>()
  const members: string[] = []
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const read = (file: string): string => {
      try {
        return readFileSync(`/proc/${pid}/${file}`, 'utf8')
      } catch {
        return ''
      }
    }
    // A dead process whose parent has not asked for its exit code is none.
    if (!identify(Number(pid))) continue
    if (read('cgroup').includes(cgroupName(dir))) members.push(pid)
    for (const line of read('mountinfo').split('\n')) if (line.includes(`${dir}/`)) mounts.add(line)
  }
  return [
    ...links.map((l) => `link ${l.ifname}`),
    ...cgroups.map((c) => `cgroup ${c}`),
    ...members.map((pid) => `process ${pid} in a container`),
    ...processesWithEnvironment(markOf(dir)).map((p) => `process ${p.pid}`),
    ...[...mounts].map((m) => `mount ${m}`),
    ...(existsSync(dir) ? [`folder ${dir}`] : []),
  ]
}

/** The first result of something that may fail for a while. @throws its last error after a minute */
async function eventually<T>(attempt: () => Promise<T>, deadline = Date.now() + 60_000): Promise<T> {
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (Date.now() > deadline) throw error
      await sleep(200)
    }
  }
}

const app = {
  apiVersion: 'v1',
  kind: 'List',
  items: [
    // Containers have the variables of Services that their kubelet knows when they start.
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web' },
      spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'web' },
      spec: {
        selector: { matchLabels: { app: 'web' } },
        template: {
          metadata: { labels: { app: 'web' } },
          spec: {
            containers: [
              {
                name: 'web',
                image: 'registry.k8s.io/e2e-test-images/busybox:1.37.0-2',
                command: [
                  'sh',
                  '-c',
                  'mkdir /www; hostname > /www/index.html; echo serving; exec httpd -f -p 8080 -h /www',
                ],
                readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
              },
            ],
          },
        },
      },
    },
  ],
}

describe('a cluster with two real nodes', { skip }, () => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'kosmos-real-'))
  let testbed: Testbed
  let pods: { name: string; ip: string; node: string }[]
  const kubectl = (...args: string[]) =>
    run(testbed.bin.kubectl ?? '', ['--kubeconfig', testbed.leaves[0]?.kubeconfig ?? '', ...args])
  const inPod = async (script: string): Promise<string> =>
    (await kubectl('exec', pods[0]?.name ?? '', '--', 'sh', '-c', script)).stdout

  before(async () => {
    process.env.KOSMOS_TESTBEDS = root
    testbed = await upTestbed({
      name: 'real',
      leaves: 1,
      nodes: 'real:2',
      images: ['busybox', 'agnhost', 'web'],
      endsWithProcess: true,
    })
    const create = kubectl('create', '-f', '-')
    ;(create as typeof create & { child: { stdin: NodeJS.WritableStream } }).child.stdin.end(JSON.stringify(app))
    await create
    await kubectl('rollout', 'status', 'daemonset/web', '--timeout=90s')
    const { stdout } = await kubectl('get', 'pods', '-l', 'app=web', '-o', 'json')
    pods = (
      JSON.parse(stdout) as {
        items: { metadata: { name: string }; spec: { nodeName: string }; status: { podIP: string } }[]
      }
    ).items.map((pod) => ({ name: pod.metadata.name, ip: pod.status.podIP, node: pod.spec.nodeName }))
  })

  after(async () => {
    await downTestbed('real')
    rmSync(root, { recursive: true, force: true })
  })

  it('runs a pod on each node, with an address from that node’s range', async () => {
    assert.deepEqual(pods.map((p) => p.node).sort(), ['leaf1-node-1', 'leaf1-node-2'])
    for (const { ip, node } of pods) {
      const { stdout } = await kubectl('get', 'node', node, '-o', 'jsonpath={.spec.podCIDR}')
      assert.ok(overlaps(parseRange(stdout), parseRange(ip)), `${ip} is in ${stdout}`)
    }
  })

  it('lets the host reach pods, as API servers have to that call webhooks', async () => {
    const { ip, name } = pods[1] ?? { ip: '', name: '' }
    assert.equal(await (await fetch(`http://${ip}:8080/`)).text(), `${name}\n`)
  })

  it('lets pods on different nodes ping each other', async () => {
    assert.match(await inPod(`ping -c 1 -W 5 ${pods[1]?.ip}`), / 0% packet loss/)
  })

  it('answers on the address of a Service, from both of its pods', async () => {
    const get = `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc $WEB_SERVICE_HOST 80 | tail -n 1`
    const seen = new Set<string>()
    // kube-proxy chooses at random; forty times the same one has a chance of 1 in 10^11.
    for (const name of (await inPod(`for i in $(seq 40); do ${get}; done`)).trim().split('\n')) seen.add(name)
    assert.deepEqual([...seen].sort(), pods.map((p) => p.name).sort())
  })

  it('resolves the name of a Service in a pod, and says that foreign names do not exist', async () => {
    const { stdout } = await kubectl('get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}')
    assert.match(await inPod('nslookup -type=a web.default.svc.cluster.local'), new RegExp(`Address: ${stdout}\\n`))
    await assert.rejects(inPod('nslookup -type=a example.org 2>&1; exit $?'), { code: 1 })
  })

  it('shows logs, and hands on the exit code of what exec runs', async () => {
    assert.equal((await kubectl('logs', pods[0]?.name ?? '')).stdout, 'serving\n')
    await assert.rejects(inPod('exit 7'), { code: 7 })
  })

  it('lets pods reach the API servers of their own cluster and of the root', async () => {
    const rootServer = new URL(testbed.root.server)
    assert.match(await inPod(`nc -w 5 ${rootServer.hostname} ${rootServer.port} </dev/null && echo root`), /root/)
    assert.match(await inPod('nc -w 5 kubernetes.default 443 </dev/null && echo own'), /own/)
  })

  it('runs the images that upstream’s tests name', async () => {
    await kubectl('run', 'agnhost', `--image=${imageNames.agnhost}`, '--port=8080', '--', 'netexec', '--http-port=8080')
    await kubectl('run', 'page', `--image=${imageNames.web}`, '--port=80')
    await kubectl('wait', '--for=condition=Ready', '--timeout=60s', 'pod/agnhost', 'pod/page')
    const address = async (pod: string) => (await kubectl('get', 'pod', pod, '-o', 'jsonpath={.status.podIP}')).stdout
    const get = async (pod: string, port: number, file: string) =>
      inPod(`printf 'GET ${file} HTTP/1.0\\r\\n\\r\\n' | nc ${await address(pod)} ${port}`)
    assert.match(await eventually(() => get('agnhost', 8080, '/hostname')), /\r\n\r\nagnhost$/)
    assert.match(await eventually(() => get('page', 80, '/')), /Welcome to nginx!/)
    const inAgnhost = async (...command: string[]) => (await kubectl('exec', 'agnhost', '--', ...command)).stdout
    assert.equal(
      await inAgnhost('curl', '-g', '-s', '--connect-timeout', '5', 'http://localhost:8080/hostname'),
      'agnhost',
    )
    assert.match(await inAgnhost('dig', '+short', 'kubernetes.default.svc.cluster.local'), /^10\.65\.0\.1\n$/)
    await inAgnhost('nc', '-v', '-z', '-w', '5', 'kubernetes.default', '443')
  })

  it('lets a test look at a node from within', async () => {
    const [file = '', ...args] = enterNode(testbed.journal, 'leaf1', 'leaf1-node-1')
    assert.equal((await run(file, [...args, 'hostname'])).stdout, 'leaf1-node-1\n')
    const { stdout } = await run(file, [
      ...args,
      'ip',
      '-json',
      'route',
      'get',
      pods.find((p) => p.node === 'leaf1-node-2')?.ip ?? '',
    ])
    assert.equal(JSON.parse(stdout)[0].dev, 'eth0')
    assert.throws(() => enterNode(testbed.journal, 'leaf1', 'leaf1-node-3'), /leaf1 has no real node leaf1-node-3/)
  })

  it('keeps what it needs out of the host’s folders and kernel settings', () => {
    for (const folder of ['/var/lib/kubelet', '/run/containerd/io.containerd.runtime.v2.task']) {
      const mine = existsSync(folder) ? readdirSync(folder, { recursive: true }).map(String) : []
      assert.deepEqual(
        mine.filter((file) => pods.some((p) => file.includes(p.name))),
        [],
      )
    }
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    assert.ok(!mounts.includes(root), 'no mount of a node is seen on the host')
  })

  it('carries on after its kubelet and its container runtime were killed and started again', async () => {
    const leaf = testbed.leaves[0]
    assert.ok(leaf)
    for (const component of ['kubelet', 'containerd']) {
      await leaf.kill(`leaf1-node-1/${component}`)
      await leaf.restart(`leaf1-node-1/${component}`)
    }
    // A new kubelet knows its pods a moment after it says that it is healthy.
    const hostname = await eventually(() => inPod('hostname'))
    assert.equal(hostname, `${pods[0]?.name}\n`)
    const { stdout } = await kubectl('get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[*].status.podIP}')
    assert.deepEqual(stdout.split(' ').sort(), pods.map((p) => p.ip).sort(), 'the same pods')
  })

  it('is found by any process later', () => {
    assert.deepEqual(attachTestbed('real').leaves[0]?.nodes, ['leaf1-node-1', 'leaf1-node-2'])
  })

  it('leaves nothing behind when it is taken down', async () => {
    assert.notDeepEqual(await traces(testbed.dir), [], 'what runs is seen')
    await downTestbed('real')
    assert.deepEqual(await traces(testbed.dir), [])
  })
})

describe('a test bed with real nodes whose starter is killed half-way', { skip }, () => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'kosmos-killed-'))
  const main = path.join(import.meta.dirname, '..', '..', 'main.ts')
  after(() => rmSync(root, { recursive: true, force: true }))

  for (const component of ['namespaces', 'containerd', 'kubelet']) {
    it(`is cleaned up whole by down, after the ${component} had started`, async () => {
      process.env.KOSMOS_TESTBEDS = root
      const name = `killed-${component}`
      const dir = testbedDir(name)
      const starter = spawn(process.execPath, [main, 'up', '--name', name, '--leaves', '1', '--nodes', 'real:1'], {
        stdio: 'ignore',
      })
      const ended = new Promise<void>((resolve) => starter.once('exit', () => resolve()))
      const started = (): boolean =>
        existsSync(dir) && new Journal(dir).process(`leaf1/leaf1-node-1/${component}`) !== undefined
      while (starter.exitCode === null && !started()) await sleep(5)
      starter.kill('SIGKILL')
      await ended
      assert.ok(started(), 'it was killed while it started')
      assert.ok(await downTestbed(name))
      assert.deepEqual(await traces(dir), [])
      assert.equal(await downTestbed(name), false, 'a second time there is nothing to do')
    })
  }
})
