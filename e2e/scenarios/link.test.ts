import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { type ClusterLinkOptions, linkGatewayLabel, type NodeConfigSpec } from '@kosmos/api'
import { lines, unjoin } from '@kosmos/kosmosctl'
import { askPort, listeningPorts } from '@kosmos/kube/testing'
import { enterNode, imageNames, makeScratch, type Scratch, silent } from '@kosmos/testbed'
import { linkAgentImage } from '../platform/link-agent.ts'
import { readMetrics } from '../platform/metrics.ts'
import { eventually, type Platform, startPlatform } from '../platform/platform.ts'
import { isSilentWhileKilled } from './link/agent-killed.ts'
import { agentsKeepToTheirNode } from './link/agent-rights.ts'
import { bundleHasNoSecret } from './link/bundle.ts'
import { isNamedWhileTaken } from './link/port-taken.ts'
import {
  everythingWorks,
  isTold,
  isWhole,
  kosmosctlLink,
  linkCheck,
  noCheckPodIsLeft,
  nothingIsWrong,
  rotateKeys,
  whileDropping,
} from './link/seen.ts'
import { SharedServices } from './link/services.ts'

const quiet = lines(() => undefined)
const run = promisify(execFile)
const isRoot = process.getuid?.() === 0

/** A pod on a node that tells who calls it. */
const server = (node: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: `on-${node}`, namespace: 'default', labels: { app: 'server', node } },
  spec: {
    nodeName: node,
    terminationGracePeriodSeconds: 0,
    containers: [{ name: 'main', image: imageNames.agnhost, args: ['netexec', '--http-port=8080', '--udp-port=8081'] }],
  },
})

describe('clusters that are linked, without virtual nodes', { skip: isRoot ? false : 'real nodes need root' }, () => {
  let platform: Platform
  let scratch: Scratch

  interface Pod {
    readonly name: string
    readonly node: string
    readonly ip: string
    readonly leaf: number
    readonly leafName: string
  }
  const pods: Pod[] = []
  const inLeaf = (leaf: number, ...args: string[]) => {
    const cluster = platform.testbed.leaves[leaf]
    assert.ok(cluster)
    return platform.kubectlIn(cluster, args)
  }
  const inPod = (pod: Pod, ...command: string[]) => inLeaf(pod.leaf, 'exec', pod.name, '--', ...command)
  const acrossClusters = () => pods.flatMap((a) => pods.filter((b) => a.leaf !== b.leaf).map((b) => [a, b] as const))
  const condition = async (cluster: string) => {
    const path = '{.status.conditions[?(@.type=="Linked")]}'
    return (await platform.kubectl(['get', 'cluster', cluster, '-o', `jsonpath=${path}`])).stdout
  }
  const linked = () =>
    eventually('all clusters are linked', async () => {
      const said = await Promise.all(platform.testbed.leaves.map(({ name }) => condition(name)))
      if (said.every((text) => /"status":"True"/.test(text))) return true
      throw new Error(said.join('\n'))
    })
  const setOptions = async (clusterLinkOptions: Partial<ClusterLinkOptions>) => {
    for (const { name } of platform.testbed.leaves) {
      const patch = JSON.stringify({ spec: { clusterLinkOptions } })
      const { code, stderr } = await platform.kubectl(['patch', 'cluster', name, '--type=merge', '-p', patch])
      assert.equal(code, 0, stderr)
    }
  }
  const shared = () => new SharedServices(platform)
  const everyPodReachesEveryOther = async () => {
    for (const [from, to] of acrossClusters()) {
      const seen = await eventually(`${from.name} reaches ${to.name}`, async () => {
        const { stdout, stderr } = await inPod(from, 'curl', '-sS', '-m', '3', `http://${to.ip}:8080/clientip`)
        if (stdout !== '') return stdout
        throw new Error(stderr)
      })
      assert.equal(seen.split(':')[0], from.ip, 'the callee sees who calls')
    }
  }

  const keepApart = async () => {
    const policy = {
      apiVersion: 'kosmos.io/v1alpha1',
      kind: 'ClusterLinkPolicy',
      metadata: { name: 'apart' },
      spec: { clusters: { names: platform.testbed.leaves.map(({ name }) => name) }, peers: [] },
    }
    const { code, stderr } = await platform.kubectl(['apply', '-f', '-'], JSON.stringify(policy))
    assert.equal(code, 0, stderr)
    await eventually('no node has a tunnel, and agents have taken away what they had', async () => {
      for (const { name, nodes } of platform.testbed.leaves) {
        for (const node of nodes) if ((await onNode(platform, name, node, LOOK)) !== '') return undefined
      }
      return true
    })
  }
  const letTalk = async () => {
    assert.equal((await platform.kubectl(['delete', 'clusterlinkpolicy', 'apart'])).code, 0)
  }

  before(async () => {
    scratch = makeScratch('kosmos-link-')
    const archive = await linkAgentImage(silent)
    platform = await startPlatform('link', {
      leaves: isWhole ? 3 : 2,
      nodes: 'real:2',
      images: ['agnhost'],
      archives: [archive],
      tree: false,
      link: () => ({ ipFamily: 'ipv4' }),
    })
    for (const [leaf, cluster] of platform.testbed.leaves.entries()) {
      const list = { apiVersion: 'v1', kind: 'List', items: cluster.nodes.map(server) }
      const { code, stderr } = await platform.kubectlIn(cluster, ['apply', '-f', '-'], JSON.stringify(list))
      assert.equal(code, 0, stderr)
      for (const node of cluster.nodes) {
        const name = `on-${node}`
        const waited = await inLeaf(leaf, 'wait', '--for=condition=Ready', `pod/${name}`, '--timeout=240s')
        assert.equal(waited.code, 0, waited.stderr)
        const { stdout: ip } = await inLeaf(leaf, 'get', 'pod', name, '-o', 'jsonpath={.status.podIP}')
        pods.push({ name, node, ip, leaf, leafName: cluster.name })
      }
    }
  })
  after(async () => {
    await platform?.down()
    await scratch?.remove()
  })

  it('have an agent on every node, which has applied what it should', async () => {
    await linked()
  })

  it('let an agent say something about its own node only, and read nothing but NodeConfigs', async () => {
    for (const leaf of platform.testbed.leaves) await agentsKeepToTheirNode(platform, leaf)
  })

  it('tell strangers nothing, at any port of a process of ours', async () => {
    const own = Object.values(platform.kosmos.pids).flatMap(listeningPorts)
    assert.ok(own.length > 0 && own.every((port) => port.startsWith('tcp ')), own.join())
    const { loopback } = platform.testbed.root
    for (const port of own)
      assert.equal((await askPort(`https://${loopback}:${port.slice(4)}/metrics`)).code, 401, port)
    assert.match(
      await readMetrics(platform.kosmos.secureMetrics),
      /^kosmos_api_requests_total/m,
      'who may read them does',
    )
    const [pod] = pods
    assert.ok(pod)
    const { stdout: address } = await inLeaf(pod.leaf, 'get', 'node', pod.node, '-o', INTERNAL_IP)
    const agent = ['metrics', '', 'livez'].flatMap((path) => ['-o', '/dev/null', `https://${address}:10275/${path}`])
    const { stdout } = await inPod(pod, 'curl', '-sk', '-m', '5', '-w', '%{http_code} ', ...agent)
    assert.equal(stdout, '401 401 200 ')
  })

  it('let each pod reach each pod of the other cluster under its own address', everyPodReachesEveryOther)

  it('let a pod reach a Service of the other cluster, whichever node its pods are on', async () => {
    for (const [leaf, cluster] of platform.testbed.leaves.entries()) {
      for (const node of cluster.nodes) {
        const service = {
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { name: `only-${node}`, namespace: 'default' },
          spec: { selector: { app: 'server', node }, ports: [{ port: 80, targetPort: 8080 }] },
        }
        await platform.kubectlIn(cluster, ['apply', '-f', '-'], JSON.stringify(service))
        const { stdout: ip } = await inLeaf(leaf, 'get', 'service', `only-${node}`, '-o', 'jsonpath={.spec.clusterIP}')
        for (const from of pods.filter((pod) => pod.leaf !== leaf)) {
          await eventually(`${from.name} reaches only-${node}`, async () => {
            const { stdout, stderr } = await inPod(from, 'curl', '-sS', '-m', '3', `http://${ip}/hostname`)
            if (stdout === `on-${node}`) return true
            throw new Error(stderr || stdout)
          })
        }
      }
    }
  })

  it('let a pod find Services of the other cluster by name, and those of both as one', () => shared().areFoundByName())

  it('have names for the pods of a Service without an address, and records for its ports', () =>
    shared().havePodsWithNames())

  it('do not answer with pods that no packet reaches', () => shared().loseEndpointsThatNoPacketReaches())

  it('let the root write nothing of theirs', () => shared().leaveAloneWhatIsNotOurs())

  it('keep no name of what is exported no longer', () => shared().goWithTheirExport())

  it('carry packets as large as a pod sends them, and datagrams', async () => {
    const [[from, to] = []] = acrossClusters()
    assert.ok(from && to)
    const upload = 'head -c 20000000 /dev/zero | curl -sS -m 60 -o /dev/null -w "%{size_upload}" -F file=@- '
    const { stdout, stderr } = await inPod(from, 'sh', '-c', `${upload} http://${to.ip}:8080/upload`)
    assert.ok(Number(stdout) > 20_000_000, stderr)
    const dial = `http://localhost:8080/dial?host=${to.ip}&port=8081&protocol=udp&request=hostname&tries=3`
    const echoed = await inPod(from, 'curl', '-sS', '-m', '10', dial)
    assert.match(echoed.stdout, new RegExp(to.name), echoed.stderr)
  })

  it('are seen to work by kosmosctl link check, with packets of pods too', () => everythingWorks(platform))

  it('do not reach each other while a ClusterLinkPolicy keeps them apart, and do again when it is gone', async () => {
    const [[from, to] = []] = acrossClusters()
    assert.ok(from && to)
    await keepApart()
    const refused = await inPod(from, 'curl', '-sS', '-m', '2', `http://${to.ip}:8080/clientip`)
    assert.notEqual(refused.code, 0)
    await eventually('link check calls it not allowed, and nothing wrong', async () => {
      const { code, pairs, checks } = await linkCheck(platform)
      if (code === 0 && pairs.every(({ verdict }) => verdict === 'forbidden')) return true
      throw new Error(JSON.stringify({ pairs, problems: checks.filter(({ status }) => status === 'problem') }))
    })
    const ends = [from, to].map(({ leafName, name }) => `${leafName}/${name}`)
    const { stdout } = await kosmosctlLink(platform, 'trace', ...ends)
    assert.match(stdout, /stops: .* are not allowed to talk by ClusterLinkPolicy apart/)
    await letTalk()
    await everyPodReachesEveryOther()
    await nothingIsWrong(platform)
  })

  it('are said to lack a port that another program of a node has, until that ends', async () => {
    const [at] = pods
    assert.ok(at)
    await keepApart()
    await isNamedWhileTaken(platform, at, 4876, letTalk)
    await everyPodReachesEveryOther()
  })

  it('are said not to work where they do not: link check names the two nodes, until it is repaired', async () => {
    const [[from, to] = []] = acrossClusters()
    assert.ok(from && to)
    const [a, b] = [from, to].map(({ leafName, node }) => `${leafName}/${node}`)
    const { stdout: address } = await inLeaf(from.leaf, 'get', 'node', from.node, '-o', INTERNAL_IP)
    await whileDropping(platform, { cluster: to.leafName, node: to.node }, { from: address, port: 4876 }, async () => {
      await eventually('the finding names the two nodes, and no other', async () => {
        const { code, checks } = await linkCheck(platform)
        const problems = checks.filter(({ status }) => status === 'problem')
        const [tunnel] = problems.filter(({ id }) => id === 'tunnels')
        if (code === 1 && tunnel?.what.startsWith(`${a} and ${b} do not reach each other by vx-bridge`)) return true
        throw new Error(JSON.stringify(problems))
      })
      const ends = [`${from.leafName}/${from.name}`, `${to.leafName}/${to.name}`]
      const { code, stdout } = await kosmosctlLink(platform, 'trace', ...ends, '--counters')
      assert.equal(code, 1)
      assert.match(stdout, new RegExp(`stops: ${b} does not answer ${a} through vx-bridge`))
      assert.match(stdout, new RegExp(`counters: ${a} sends, and ${b} receives nothing of it by vx-bridge`))
      assert.match(stdout, new RegExp(`counters: packets of ${b} arrive at ${a}`), 'the other way is open')
      await isTold(platform, from, 'NextHopSilent', `${b} does not answer`)
      const picture = await kosmosctlLink(platform, 'check', '-o', 'svg')
      assert.match(picture.stdout, new RegExp(`^<svg [\\s\\S]*${a} → ${b} by vx-bridge [^<]*: down, since `))
    })
    await nothingIsWrong(platform)
    await isTold(platform, from, 'NextHopAnswers', `${b} answers`)
    await noCheckPodIsLeft(platform)
  })

  it('are said to carry small packets only, where the network between two nodes does', async () => {
    const [[from, to] = []] = acrossClusters()
    assert.ok(from && to)
    const { stdout: address } = await inLeaf(from.leaf, 'get', 'node', from.node, '-o', INTERNAL_IP)
    const narrow = { from: address, port: 4876, longerThan: 1_300 }
    await whileDropping(platform, { cluster: to.leafName, node: to.node }, narrow, async () => {
      const { code, checks } = await linkCheck(platform, '--pods', '--nodes')
      assert.equal(code, 1)
      const problems = checks.filter(({ status }) => status === 'problem')
      const [a, b] = [from, to].map(({ leafName, node }) => `${leafName}/${node}`)
      const found = problems.find(
        ({ what }) => what.startsWith('large packets fails: ') && what.includes(`${a} → ${b}`),
      )
      assert.match(found?.fix ?? '', /carries less than the MTU/, JSON.stringify(problems))
      assert.ok(problems.every(({ what }) => !what.startsWith('pod → pod fails')))
    })
    await noCheckPodIsLeft(platform)
  })

  it('go on while the agent of a node is killed and stays away, and the root says so until it is back', async () => {
    const [[from, to] = []] = acrossClusters()
    assert.ok(from && to)
    await isSilentWhileKilled(platform, from, to, everyPodReachesEveryOther)
  })

  it('go by gateways and encrypted when that is asked for: nothing of a pod is read on the wire', async () => {
    await setOptions({ networkType: 'gateway', tunnel: 'wireguard' })
    await eventually('no node has a tunnel in clear text', async () => {
      const said = await Promise.all(
        platform.testbed.leaves.map((_, leaf) => inLeaf(leaf, 'get', 'nodeconfigs', '-o', 'json')),
      )
      return said.every(({ stdout }) => !stdout.includes('vx-bridge') && stdout.includes('kl-wireguard'))
    })
    await linked()
    await everyPodReachesEveryOther()
    const [[from, to] = []] = acrossClusters()
    assert.ok(from && to)
    const secret = 'this-is-what-nobody-may-read'
    const wire = await capture(platform, to.leaf, to.node)
    for (let i = 0; i < 5; i++) await inPod(from, 'curl', '-sS', '-m', '3', `http://${to.ip}:8080/echo?msg=${secret}`)
    const seen = await wire.stop()
    // The file begins with 24 bytes that are no packet.
    assert.ok(seen.length > 24, 'packets were seen on the wire')
    assert.ok(!seen.includes(secret))
  })

  it('have new keys on every node when that is asked for, and pods reach each other with them', async () => {
    interface Keyed {
      readonly metadata: { readonly name: string }
      readonly spec: { readonly publicKey: string; readonly ipsecPublicKey: string }
    }
    const keys = async () => {
      const { stdout } = await platform.kubectl(['get', 'clusternodes', '-o', 'json'])
      const { items } = JSON.parse(stdout) as { items: Keyed[] }
      return new Map(items.map(({ metadata: { name }, spec }) => [name, [spec.publicKey, spec.ipsecPublicKey]]))
    }
    const before = await keys()
    await rotateKeys(platform)
    const now = await eventually('every node has others', async () => {
      const found = await keys()
      const isOther = ([name, pair]: [string, string[]]) => pair.every((key) => !before.get(name)?.includes(key))
      return found.size === before.size && [...found].every(isOther) ? found : undefined
    })
    await eventually('nobody knows the old ones any more', async () => {
      const said = await Promise.all(
        platform.testbed.leaves.map((_, leaf) => inLeaf(leaf, 'get', 'nodeconfigs', '-o', 'json')),
      )
      const text = said.map(({ stdout }) => stdout).join('')
      return [...before.values()].flat().every((key) => !text.includes(key)) && now.size > 0
    })
    await everyPodReachesEveryOther()
  })

  it('go by the gateway that the owner of a cluster names, from every other node', async () => {
    for (const [leaf, { nodes }] of platform.testbed.leaves.entries()) {
      const [gateway = '', ...others] = nodes
      assert.equal((await inLeaf(leaf, 'label', 'node', gateway, `${linkGatewayLabel}=true`)).code, 0)
      await eventually(`${others.join()} go by ${gateway}`, async () => {
        const { stdout } = await inLeaf(leaf, 'get', 'nodeconfigs', '-o', 'json')
        const { items } = JSON.parse(stdout) as { items: { spec: NodeConfigSpec }[] }
        return items.every(({ spec }) => {
          const isInner = spec.devices?.every(({ name }) => name === 'vx-local')
          return spec.nodeName === gateway ? !isInner : isInner
        })
      })
    }
    await linked()
    await everyPodReachesEveryOther()
  })

  it('are seen to work then as well, and the trace of a way has the gateways in it', async () => {
    await everythingWorks(platform)
    const inner = (leaf: number) => pods.findLast((pod) => pod.leaf === leaf)
    const [from, to] = [inner(0), inner(1)]
    assert.ok(from && to)
    const { code, stdout } = await kosmosctlLink(
      platform,
      'trace',
      `${from.leafName}/${from.name}`,
      `${to.leafName}/${to.name}`,
      '--counters',
    )
    assert.equal(code, 0, stdout)
    assert.match(stdout, /vx-local[\s\S]*vx-secure \(encrypted\)/)
    const counted = stdout.split('\n').filter((line) => line.includes('counters: '))
    assert.ok(counted.length >= 4 && counted.every((line) => line.includes(' arrive at ')), stdout)
    assert.match(stdout, / sent \d+ packets by vx-secure → .* bytes by kl-wireguard → .* by vx-secure/)
    assert.match(stdout, new RegExp(`${from.ip} → ${to.ip} arrives as ${from.ip} → ${to.ip}`))
  })

  it('are encrypted by IPsec where that is asked for', async () => {
    await setOptions({ tunnel: 'ipsec' })
    await eventually('every tunnel is one of IPsec', async () => {
      const said = await Promise.all(
        platform.testbed.leaves.map((_, leaf) => inLeaf(leaf, 'get', 'nodeconfigs', '-o', 'json')),
      )
      return said.every(({ stdout }) => !stdout.includes('"publicKey"') || stdout.includes('ipsecPeers'))
    })
    await linked()
    await everyPodReachesEveryOther()
  })

  it('are in a support bundle with their public keys, without a private one, and without a credential', () =>
    bundleHasNoSecret(platform, scratch.dir))

  it('are as they were before, on every node, when they are linked no longer', async () => {
    const [first, ...others] = platform.testbed.leaves
    assert.ok(first)
    const root = { file: platform.testbed.root.kubeconfig }
    await unjoin({ name: first.name, root }, quiet)
    const patch = JSON.stringify({ spec: { clusterLinkOptions: { enable: false } } })
    for (const { name } of others)
      assert.equal((await platform.kubectl(['patch', 'cluster', name, '--type=merge', '-p', patch])).code, 0)
    for (const { name, nodes } of platform.testbed.leaves) {
      for (const node of nodes) {
        await eventually(`nothing of ours is on ${node}`, async () => {
          const left = await onNode(platform, name, node, LOOK)
          if (left === '') return true
          throw new Error(left)
        })
      }
    }
    await eventually('the agents and their namespace are gone from the first', async () => {
      const { stdout, stderr } = await inLeaf(
        0,
        'get',
        'namespace,clusterrole,validatingadmissionpolicy,crd',
        '-o',
        'name',
      )
      const left = stdout.split('\n').filter((line) => line.includes('kosmos-link') || line.includes('nodeconfigs'))
      if (left.length === 0) return true
      throw new Error(left.join('\n') + stderr)
    })
  })
})

const INTERNAL_IP = 'jsonpath={.status.addresses[?(@.type=="InternalIP")].address}'

/** What of ours a node has. */
const LOOK =
  'ip -o link | grep -E "vx-|kl-"; ip rule | grep 4876; ip -6 rule | grep 4876; ip route show table 4876 2>/dev/null; nft list tables | grep kosmos; true'

async function onNode({ testbed }: Platform, cluster: string, node: string, script: string): Promise<string> {
  const [file = '', ...args] = enterNode(testbed.journal, cluster, node, ['net'])
  return (await run(file, [...args, 'sh', '-c', script])).stdout
}

/** Everything that passes the link of a node, until it is stopped. */
async function capture({ testbed }: Platform, leaf: number, node: string) {
  const [file = '', ...args] = enterNode(testbed.journal, testbed.leaves[leaf]?.name ?? '', node, ['net'])
  const child = spawn(file, [...args, 'tcpdump', '-i', 'eth0', '-U', '-s', '0', '-w', '-'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk
  })
  await eventually('it listens', () => said.includes('listening on '))
  return {
    stop: async () => {
      await new Promise((resolve) => setTimeout(resolve, 500))
      const ended = once(child, 'exit')
      child.kill('SIGINT')
      await ended
      return Buffer.concat(chunks).toString('latin1')
    },
  }
}
