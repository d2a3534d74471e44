import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { enterNode, imageNames } from '@kosmos/testbed'
import { eventually, type Platform } from './platform.ts'

const run = promisify(execFile)

/** A pod that tells who calls it, and where it is. */
export interface LinkedPod {
  readonly name: string
  readonly node: string
  readonly ip: string
  readonly leaf: number
}

/** A pod on every node of every leaf, and on each node one more of the same. */
export class LinkedPods {
  readonly #platform: Platform
  readonly pods: LinkedPod[] = []

  constructor(platform: Platform) {
    this.#platform = platform
  }

  async start(): Promise<void> {
    for (const [leaf, { nodes }] of this.#platform.testbed.leaves.entries()) {
      const names = nodes.flatMap((node) => [1, 2].map((n) => ({ node, name: `on-${node}-${n}` })))
      await this.#apply(leaf, ...names.map(({ node, name }) => server(name, node)), ...nodes.map(service))
      for (const { node, name } of names) {
        await this.kubectl(leaf, 'wait', '--for=condition=Ready', `pod/${name}`, '--timeout=180s')
        this.pods.push({ name, node, leaf, ip: await this.kubectl(leaf, 'get', 'pod', name, '-o', POD_IP) })
      }
    }
  }

  /** From each pod to each other of its cluster; from each to each of the others. */
  within = () => this.#pairs((a, b) => a.leaf === b.leaf)
  across = () => this.#pairs((a, b) => a.leaf !== b.leaf)

  /** The callee sees who calls. */
  async reach(pairs: readonly (readonly [LinkedPod, LinkedPod])[]): Promise<void> {
    for (const [from, all] of Map.groupBy(pairs, ([from]) => from)) {
      const calls = all.map(([, to]) => ({ url: `http://${to.ip}:8080/clientip`, expected: `${from.ip}:` }))
      await this.#inPod(from, calls)
    }
  }

  /** Every pod calls the Service of every node of these clusters, also that of its own node. */
  async reachServices(isWanted: (from: LinkedPod, leaf: number) => boolean): Promise<void> {
    const services = await this.#services()
    for (const from of this.pods) {
      const wanted = services.filter(({ leaf }) => isWanted(from, leaf))
      await this.#inPod(
        from,
        wanted.map(({ ip, node }) => ({ url: `http://${ip}/hostname`, expected: `on-${node}-` })),
      )
    }
  }

  /** Programs in the network of a node call pods of the other clusters. */
  async reachFromNodes(): Promise<void> {
    for (const { name, nodes } of this.#platform.testbed.leaves) {
      const others = this.pods.filter(({ node }) => !nodes.includes(node))
      const calls = others.map((to) => ({ url: `http://${to.ip}:8080/hostname`, expected: to.name }))
      for (const node of nodes) await answered(node, calls, (script) => this.onNode(name, node, script))
    }
  }

  /** A script in the network of a node. */
  async onNode(cluster: string, node: string, script: string): Promise<string> {
    const [file = '', ...args] = enterNode(this.#platform.testbed.journal, cluster, node, ['net'])
    return (await run(file, [...args, 'sh', '-c', script], { maxBuffer: 2 ** 26 })).stdout
  }

  async #inPod({ name, leaf }: LinkedPod, calls: readonly Call[]): Promise<void> {
    await answered(name, calls, async (script) => {
      const { stdout, stderr } = await this.#kubectl(leaf, 'exec', name, '--', 'sh', '-c', script)
      return stdout || stderr
    })
  }

  async #services(): Promise<{ leaf: number; node: string; ip: string }[]> {
    const found = this.#platform.testbed.leaves.map(async ({ nodes }, leaf) => {
      const text = await this.kubectl(leaf, 'get', 'services', '-n', 'default', '-o', SERVICES)
      const all = text.split('\n').map((line) => line.split(' '))
      return nodes.map((node) => ({ leaf, node, ip: all.find(([name]) => name === `only-${node}`)?.[1] ?? '' }))
    })
    return (await Promise.all(found)).flat()
  }

  /** @throws what kubectl says when it fails */
  async kubectl(leaf: number, ...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.#kubectl(leaf, ...args)
    assert.equal(code, 0, stderr)
    return stdout
  }

  #kubectl(leaf: number, ...args: string[]) {
    const cluster = this.#platform.testbed.leaves[leaf]
    assert.ok(cluster)
    return this.#platform.kubectlIn(cluster, args)
  }

  async #apply(leaf: number, ...items: object[]): Promise<void> {
    const cluster = this.#platform.testbed.leaves[leaf]
    assert.ok(cluster)
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
    const { code, stderr } = await this.#platform.kubectlIn(cluster, ['apply', '-n', 'default', '-f', '-'], list)
    assert.equal(code, 0, stderr)
  }

  #pairs(isWanted: (a: LinkedPod, b: LinkedPod) => boolean): (readonly [LinkedPod, LinkedPod])[] {
    return this.pods.flatMap((a) => this.pods.filter((b) => a !== b && isWanted(a, b)).map((b) => [a, b] as const))
  }
}

/** What is called, and how the answer begins. */
interface Call {
  readonly url: string
  readonly expected: string
}

/** All calls with one script, until each is answered; a wrong answer is not asked again. */
async function answered(who: string, calls: readonly Call[], run: (script: string) => Promise<string>): Promise<void> {
  const script = calls.map(({ url }) => `echo "$(curl -sS -m 3 ${url} 2>&1)"`).join('; ')
  const answers = await eventually(`${who} is answered`, async () => {
    const text = await run(script)
    if (/^curl: /m.test(text)) throw new Error(`${who}: ${text}`)
    return text.split('\n')
  })
  for (const [i, { url, expected }] of calls.entries()) {
    assert.ok(answers[i]?.startsWith(expected), `${who} calls ${url}: ${answers[i]} instead of ${expected}`)
  }
}

const SERVICES = 'jsonpath={range .items[*]}{.metadata.name} {.spec.clusterIP}{"\\n"}{end}'
const POD_IP = 'jsonpath={.status.podIP}'

const server = (name: string, node: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels: { node } },
  spec: {
    nodeName: node,
    terminationGracePeriodSeconds: 0,
    containers: [{ name: 'main', image: imageNames.agnhost, args: ['netexec', '--http-port=8080', '--udp-port=8081'] }],
  },
})

const service = (node: string) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: `only-${node}` },
  spec: { selector: { node }, ports: [{ port: 80, targetPort: 8080 }] },
})
