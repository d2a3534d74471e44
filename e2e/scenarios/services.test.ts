import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { pods } from '@kosmos/kube'
import { imageNames } from '@kosmos/testbed'
import { deployment, pod, podSpec } from '../platform/manifests.ts'
import { eventually, type Platform, startPlatform } from '../platform/platform.ts'

const isRoot = process.getuid?.() === 0

const service = (name: string, spec: object) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'default' },
  spec: { selector: { app: name }, ...spec },
})

describe('pods in a leaf that find each other by Services', { skip: isRoot ? false : 'real nodes need root' }, () => {
  let platform: Platform
  const kubectl = (...args: string[]) => platform.kubectl(args)
  const ready = async (name: string) => {
    const { code, stderr } = await kubectl('wait', '--for=condition=Ready', `pod/${name}`, '--timeout=240s')
    assert.equal(code, 0, stderr)
  }
  const inClient = (...command: string[]) => kubectl('exec', 'client', '--', ...command)

  before(async () => {
    platform = await startPlatform('services', { leaves: 1, nodes: 'real:1', images: ['busybox', 'agnhost', 'web'] })
    await platform.apply(
      service('web', { type: 'NodePort', ports: [{ port: 8080, targetPort: 80 }] }),
      deployment('web', 2, { container: { image: imageNames.web } }),
    )
    const { code, stderr } = await kubectl('rollout', 'status', 'deployment/web', '--timeout=240s')
    assert.equal(code, 0, stderr)
    await platform.apply(pod('client', { container: { image: imageNames.agnhost, args: ['pause'] } }))
    await ready('client')
  })
  after(() => platform?.down())

  it('reach one by its name, whatever type it has in the root', async () => {
    await eventually('the page of the web server', async () => {
      const { stdout } = await inClient('curl', '-sS', '-m', '3', 'http://web:8080/')
      return /Welcome/.test(stdout)
    })
    await eventually('by its full name', async () => {
      const { stdout } = await inClient('curl', '-sS', '-m', '3', 'http://web.default.svc.cluster.local:8080/')
      return /Welcome/.test(stdout)
    })
  })

  it('have the variables of Services that were there before them', async () => {
    const { stdout } = await inClient('env')
    const [, host] = /^WEB_SERVICE_HOST=(.*)$/m.exec(stdout) ?? []
    assert.match(stdout, /^WEB_SERVICE_PORT=8080$/m)
    assert.match((await inClient('curl', '-sS', '-m', '3', `http://${host}:8080/`)).stdout, /Welcome/)
  })

  it('find the members of a StatefulSet one by one', async () => {
    await platform.apply(service('db', { clusterIP: 'None', ports: [{ port: 80 }], publishNotReadyAddresses: true }), {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 'db', namespace: 'default' },
      spec: {
        serviceName: 'db',
        replicas: 2,
        selector: { matchLabels: { app: 'db' } },
        template: { metadata: { labels: { app: 'db' } }, spec: podSpec({ container: { image: imageNames.web } }) },
      },
    })
    const { code, stderr } = await kubectl('rollout', 'status', 'statefulset/db', '--timeout=240s')
    assert.equal(code, 0, stderr)
    const { status } = (await platform.root.get(pods, { namespace: 'default', name: 'db-1' })) ?? {}
    await eventually('db-1 is found at its address', async () => {
      const { stdout } = await inClient('nslookup', 'db-1.db.default.svc.cluster.local')
      return stdout.includes(status?.podIP ?? 'none')
    })
    await eventually('db-0 answers', async () =>
      /Welcome/.test((await inClient('curl', '-sS', '-m', '3', 'http://db-0.db/')).stdout),
    )
  })

  it('find them by the names of a root whose cluster domain is another, with the rule that the docs have', async () => {
    const [leaf] = platform.testbed.leaves
    assert(leaf)
    const rule = 'rewrite name suffix .svc.root.example .svc.cluster.local answer auto'
    const page = readFileSync(new URL('../../docs/explanation/what-comes-along.md', import.meta.url), 'utf8')
    assert.match(page, /`rewrite name suffix \.svc\.\S+ \.svc\.\S+ answer auto`/)
    // As CoreDNS is in most clusters, with one line more.
    const Corefile = `.:53 {
    errors
    health
    ready
    ${rule}
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
        ttl 5
    }
    cache 5
    reload 2s
}
`
    const lookUp = (name: string) => inClient('nslookup', `${name}.default.svc.root.example`)
    assert.doesNotMatch((await lookUp('web')).stdout, /Name:/)
    const patch = JSON.stringify({ data: { Corefile } })
    await platform.kubectlIn(leaf, ['-n', 'kube-system', 'patch', 'configmap', 'coredns', '-p', patch])
    await platform.kubectlIn(leaf, ['-n', 'kube-system', 'rollout', 'restart', 'deployment/coredns'])
    await platform.kubectlIn(leaf, ['-n', 'kube-system', 'rollout', 'status', 'deployment/coredns', '--timeout=240s'])
    await eventually('the page of the web server', async () => {
      const { stdout } = await inClient('curl', '-sS', '-m', '3', 'http://web.default.svc.root.example:8080/')
      return /Welcome/.test(stdout)
    })
    const { status } = (await platform.root.get(pods, { namespace: 'default', name: 'db-1' })) ?? {}
    await eventually('db-1 is found at its address', async () =>
      (await lookUp('db-1.db')).stdout.includes(status?.podIP ?? 'none'),
    )
    await eventually('the names of the leaf go on', async () =>
      /Welcome/.test((await inClient('curl', '-sS', '-m', '3', 'http://web:8080/')).stdout),
    )
  })

  it('reach what somebody wrote for a Service without a selector: what is outside, and pods by name', async () => {
    const [leaf] = platform.testbed.leaves
    assert(leaf)
    const { hostname, port } = new URL(leaf.server)
    const { items } = JSON.parse((await kubectl('get', 'pods', '-l', 'app=web', '-o', 'json')).stdout)
    const endpointsOf = (name: string, addresses: object[], port: number) => ({
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: { name, namespace: 'default' },
      subsets: [{ addresses, ports: [{ port }] }],
    })
    const [{ metadata, status }] = items
    const targetRef = { kind: 'Pod', namespace: 'default', name: metadata.name, uid: metadata.uid }
    const without = { selector: undefined, ports: [{ port: 8080 }] }
    await platform.apply(
      service('outside', without),
      endpointsOf('outside', [{ ip: hostname }], Number(port)),
      service('one-of-them', without),
      endpointsOf('one-of-them', [{ ip: status.podIP, targetRef }], 80),
    )
    const answers = (url: string, expected: RegExp) =>
      eventually(url, async () => expected.test((await inClient('curl', '-ksS', '-m', '3', url)).stdout))
    await answers('https://outside:8080/version', /gitVersion/)
    await answers('http://one-of-them:8080/', /Welcome/)
    const gone = await kubectl('delete', 'service', 'outside')
    assert.equal(gone.code, 0, gone.stderr)
    await eventually('they are gone', async () => {
      const ofOutside = ['get', 'endpointslices', '-l', 'kubernetes.io/service-name=outside', '-o', 'name']
      return (await platform.kubectlIn(leaf, ofOutside)).stdout === ''
    })
  })

  it('are not sent to pods of the leaf that happen to have the same labels', async () => {
    const [leaf] = platform.testbed.leaves
    assert(leaf)
    const theirs = { ...pod('web-of-the-leaf', { container: { command: ['sleep', '3600'] } }), metadata: undefined }
    const manifest = { ...theirs, metadata: { name: 'web-of-the-leaf', namespace: 'default', labels: { app: 'web' } } }
    await platform.kubectlIn(leaf, ['apply', '-f', '-'], JSON.stringify(manifest))
    await platform.kubectlIn(leaf, ['wait', '--for=condition=Ready', 'pod/web-of-the-leaf', '--timeout=240s'])
    const { stdout } = await platform.kubectlIn(leaf, [
      'get',
      'endpointslices',
      '-l',
      'kubernetes.io/service-name=web',
      '-o',
      'json',
    ])
    const targets = JSON.parse(stdout).items.flatMap(
      ({ endpoints }: { endpoints: { targetRef: { name: string } }[] }) =>
        endpoints.map(({ targetRef }) => targetRef.name),
    )
    assert.equal(targets.length, 2)
    assert.ok(!targets.includes('web-of-the-leaf'))
  })
})
