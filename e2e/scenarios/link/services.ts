import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { type ControlPlane, imageNames } from '@kosmos/testbed'
import { eventually, type Platform } from '../../platform/platform.ts'
import { linkCheck, whileDropping } from './seen.ts'

const run = promisify(execFile)
const kosmosctl = path.resolve(import.meta.dirname, '../../../packages/kosmosctl/src/main.ts')
const zone = 'default.svc.clusterset.local'

/** Services that two linked clusters share, as pods and administrators of both see them. */
export class SharedServices {
  readonly #platform: Platform
  readonly #first: ControlPlane
  readonly #second: ControlPlane

  constructor(platform: Platform) {
    const [first, second] = platform.testbed.leaves
    assert.ok(first && second)
    this.#platform = platform
    this.#first = first
    this.#second = second
  }

  /** A pod of one cluster finds and calls a Service of the other by its name; then that of both, whose pods all answer. */
  async areFoundByName(): Promise<void> {
    const [first, second] = [this.#first, this.#second]
    await this.#serve(first)
    const said = await this.#kosmosctl(first, 'export', 'service', 'shared', '-n', 'default')
    assert.match(said, /is exported as shared\.default\.svc\.clusterset\.local/)
    await eventually('the Service is imported', async () => {
      const { stdout } = await this.#kubectl(second, 'get', 'serviceimport', 'shared', '-o', 'jsonpath={.spec.ips}')
      return stdout !== ''
    })
    const before = await linkCheck(this.#platform)
    assert.ok(before.checks.some(({ id, what }) => id === 'service-names' && /does not answer/.test(what)))
    await Promise.all(this.#platform.testbed.leaves.map((leaf) => this.#answerNames(leaf)))
    assert.match(await this.#dns(first), /stays as it is/)
    await eventually(`${second.name} calls the Service of ${first.name}`, async () => {
      const seen = await this.#callers(second, 1)
      return seen.size === 1 && first.nodes.includes([...seen][0] ?? '')
    })
    const { checks } = await linkCheck(this.#platform)
    assert.ok(
      checks.every(({ id, status }) => id !== 'service-names' || status === 'ok'),
      JSON.stringify(checks),
    )
    await this.#serve(second)
    await this.#apply(second, exported('shared'))
    for (const leaf of [first, second]) {
      await eventually(`${leaf.name} calls the pods of both`, async () => {
        const seen = await this.#callers(leaf, 12)
        if ([...first.nodes, ...second.nodes].every((node) => seen.has(node))) return true
        throw new Error([...seen].join(' '))
      })
    }
  }

  /** Each pod of a Service without an address has a name in the other cluster, and ports have records. */
  async havePodsWithNames(): Promise<void> {
    const { name: cluster, nodes } = this.#first
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'db-0', labels: { app: 'db' } },
      spec: {
        nodeName: nodes[0],
        hostname: 'db-0',
        subdomain: 'db',
        terminationGracePeriodSeconds: 0,
        containers: [{ name: 'main', image: imageNames.agnhost, args: ['netexec', '--http-port=8080'] }],
      },
    }
    const ports = [{ name: 'http', port: 8080 }]
    await this.#apply(
      this.#first,
      pod,
      service('db', { clusterIP: 'None', selector: { app: 'db' }, ports }),
      exported('db'),
    )
    await eventually('the pod has its name', async () => {
      const { stdout: ip } = await this.#kubectl(this.#first, 'get', 'pod', 'db-0', '-o', 'jsonpath={.status.podIP}')
      const answers = await this.#look(this.#second, 'a', `db-0.${cluster}.db.${zone}`)
      if (ip !== '' && answers.includes(`Address: ${ip}\n`)) return true
      throw new Error(answers)
    })
    assert.match(
      await this.#look(this.#second, 'srv', `_http._tcp.db.${zone}`),
      new RegExp(`8080 db-0\\.${cluster}\\.db\\.${zone}`),
    )
  }

  /** A node that no packets reach any more has no endpoints in the other cluster, until they do again. */
  async loseEndpointsThatNoPacketReaches(): Promise<void> {
    const [node = ''] = this.#first.nodes
    const [a = '', b = ''] = await Promise.all(this.#second.nodes.map((one) => this.#internalIp(this.#second, one)))
    const on = { cluster: this.#first.name, node }
    const answered = async (isAnswered: boolean) => {
      await eventually(`${node} is ${isAnswered ? '' : 'not '}in the answers`, async () => {
        const answers = await this.#look(this.#second, 'a', `db.${zone}`)
        return answers.includes(`Name:\tdb.${zone}`) === isAnswered
      })
    }
    await answered(true)
    await whileDropping(this.#platform, on, { from: `{ ${a}, ${b} }`, port: 4876 }, () => answered(false))
    await answered(true)
  }

  /** The account that the root has in a cluster writes nothing that is not of the root. */
  async leaveAloneWhatIsNotOurs(): Promise<void> {
    const accounts = await this.#kubectl(this.#first, 'get', 'serviceaccounts', '-n', 'kosmos-system', '-o', 'name')
    const account = /serviceaccount\/(kosmos-[0-9a-f]{12})\n/.exec(accounts.stdout)?.[1]
    assert.ok(account)
    const as = (...args: string[]) =>
      this.#kubectl(this.#first, `--as=system:serviceaccount:kosmos-system:${account}`, ...args)
    for (const args of [
      ['label', 'service', 'shared', 'mine=true'],
      ['delete', 'service', 'shared'],
      ['create', 'service', 'clusterip', 'mine', '--tcp=80'],
    ]) {
      const { code, stderr } = await as(...args)
      assert.notEqual(code, 0)
      assert.match(stderr, /writes what carries the id of the root only/)
    }
  }

  /** What is exported no longer has no name; what was added to DNS can be taken away. */
  async goWithTheirExport(): Promise<void> {
    const leaves = [this.#first, this.#second]
    const said = await this.#kosmosctl(this.#first, 'unexport', 'service', 'shared', '-n', 'default')
    assert.match(said, /is exported no longer/)
    for (const leaf of leaves) await this.#kubectl(leaf, 'delete', 'serviceexports', '--all')
    const end = async (leaf: ControlPlane) => {
      await eventually(`nothing is imported in ${leaf.name}`, async () => {
        const kinds = 'serviceimports,services,endpointslices'
        const { stdout } = await this.#kubectl(leaf, 'get', kinds, '-l', 'kosmos.io/imported-by', '-o', 'name')
        if (stdout === '') return true
        throw new Error(stdout)
      })
    }
    await Promise.all(leaves.map(end))
    const before = await this.#corefile(this.#first)
    await this.#dns(this.#first, '--remove')
    const after = await this.#corefile(this.#first)
    assert.ok(before.startsWith(after) && !after.includes('clusterset'))
  }

  async #serve(leaf: ControlPlane): Promise<void> {
    const ports = [{ name: 'http', port: 80, targetPort: 8080 }]
    await this.#apply(leaf, service('shared', { selector: { app: 'server' }, ports }))
  }

  /** As an administrator does it; a restart is quicker than waiting until CoreDNS looks at its configuration. */
  async #answerNames(leaf: ControlPlane): Promise<void> {
    assert.match(await this.#dns(leaf), /has a server for clusterset\.local/)
    for (const command of [['restart'], ['status', '--timeout=240s']]) {
      const { code, stderr } = await this.#kubectl(
        leaf,
        'rollout',
        command[0] ?? '',
        '-n',
        'kube-system',
        'deployment/coredns',
        ...command.slice(1),
      )
      assert.equal(code, 0, stderr)
    }
  }

  async #dns(leaf: ControlPlane, ...args: string[]): Promise<string> {
    return await this.#kosmosctl(leaf, 'link', 'dns', ...args)
  }

  async #kosmosctl({ kubeconfig }: ControlPlane, ...args: string[]): Promise<string> {
    return (await run(process.execPath, [kosmosctl, ...args, '--kubeconfig', kubeconfig])).stdout
  }

  async #corefile(leaf: ControlPlane): Promise<string> {
    const { stdout } = await this.#kubectl(
      leaf,
      'get',
      'configmap',
      'coredns',
      '-n',
      'kube-system',
      '-o',
      'jsonpath={.data.Corefile}',
    )
    return stdout
  }

  /** Nodes of the pods that answered a pod of a cluster. */
  async #callers(leaf: ControlPlane, times: number): Promise<Set<string>> {
    const call = `for i in $(seq ${times}); do curl -sS -m 3 http://shared.${zone}/hostname; echo; done`
    const { stdout, stderr } = await this.#kubectl(leaf, 'exec', `on-${leaf.nodes[0]}`, '--', 'sh', '-c', call)
    if (stdout.trim() === '') throw new Error(stderr)
    return new Set(stdout.split('\n').flatMap((line) => (line.startsWith('on-') ? [line.slice(3)] : [])))
  }

  async #look(leaf: ControlPlane, type: string, name: string): Promise<string> {
    const command = `nslookup -type=${type} ${name}. 2>&1`
    return (await this.#kubectl(leaf, 'exec', `on-${leaf.nodes[0]}`, '--', 'sh', '-c', command)).stdout
  }

  async #internalIp(leaf: ControlPlane, node: string): Promise<string> {
    const address = 'jsonpath={.status.addresses[?(@.type=="InternalIP")].address}'
    return (await this.#kubectl(leaf, 'get', 'node', node, '-o', address)).stdout
  }

  async #apply(leaf: ControlPlane, ...items: readonly object[]): Promise<void> {
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
    const { code, stderr } = await this.#platform.kubectlIn(leaf, ['apply', '-n', 'default', '-f', '-'], list)
    assert.equal(code, 0, stderr)
  }

  #kubectl(leaf: ControlPlane, ...args: string[]) {
    return this.#platform.kubectlIn(leaf, args)
  }
}

const service = (name: string, spec: object) => ({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec })
const exported = (name: string) => ({
  apiVersion: 'multicluster.x-k8s.io/v1alpha1',
  kind: 'ServiceExport',
  metadata: { name },
})
