import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type Condition, clusterNodeName } from '@kosmos/api'
import { clusterNodes } from '@kosmos/cluster-link'
import { clusters } from '@kosmos/kube'
import { type ControlPlane, enterNode } from '@kosmos/testbed'
import { eventually, type Platform } from '../../platform/platform.ts'
import { isTold, linkCheck, nothingIsWrong } from './seen.ts'

const run = promisify(execFile)

/** A pod that has pings sent, and the node whose agent is killed. */
interface From {
  readonly name: string
  readonly leafName: string
  readonly node: string
}

/**
 * The agent of a node is killed each time it starts: packets go on, and the root says that it is silent. When it may start
 * again all is well, and it has written nothing to the kernel.
 */
export async function isSilentWhileKilled(
  platform: Platform,
  from: From,
  to: { readonly ip: string },
  work: () => Promise<void>,
): Promise<void> {
  const { leafName, node } = from
  const leaf = platform.testbed.leaves.find(({ name }) => name === leafName)
  assert.ok(leaf)
  const entered = enterNode(platform.testbed.journal, leafName, node, ['net'])
  const end = new AbortController()
  const pings = await startPings(platform, leaf, from.name, to.ip)
  const writes = watchWrites(entered, end.signal)
  const killing = keepKilling(entered)
  try {
    try {
      await work()
      await allIsUnknown(platform, from)
      assert.ok(killing.killed() > 1, 'its kubelet has tried again')
    } finally {
      await killing.stop()
    }
    await startAfresh(platform, leaf, node)
    await eventually('the agent is heard again', async () => (await applied(platform, from))?.status === 'True')
    await eventually('the cluster is linked', async () => (await linked(platform, leafName))?.status === 'True')
    await nothingIsWrong(platform)
    assert.deepEqual(await writes.seen(), [])
    assert.equal(await pings.lost(), 0)
  } finally {
    end.abort()
  }
}

async function allIsUnknown(platform: Platform, from: From): Promise<void> {
  const { leafName, node } = from
  const silent = await eventually('the ClusterNode is unknown', async () => {
    const found = await applied(platform, from)
    if (found?.reason === 'AgentSilent') return found
    throw new Error(JSON.stringify(found))
  })
  assert.equal(silent.status, 'Unknown')
  assert.match(silent.message, /: last word 20\S+Z, by the clock of the root$/)
  await isTold(platform, from, 'AgentSilent', 'last word')
  await eventually('so is the Cluster', async () => {
    const { status, reason, message = '' } = (await linked(platform, leafName)) ?? {}
    if (status === 'Unknown' && reason === 'AgentsSilent' && message.endsWith(`: ${node}`)) return true
    throw new Error(`${status} ${reason} ${message}`)
  })
  await eventually('link check names the node, and calls no tunnel broken', async () => {
    const { code, pairs, checks } = await linkCheck(platform)
    const problems = checks.filter(({ status }) => status === 'problem')
    const isNamed = problems.some(
      ({ id, what }) => id === 'agents-reported' && what.includes(`${node} unknown (last word `),
    )
    const verdicts = new Set(pairs.map(({ verdict }) => verdict))
    if (code === 1 && isNamed && verdicts.has('unknown') && problems.every(({ id }) => id !== 'tunnels')) return true
    throw new Error(JSON.stringify({ code, pairs, problems }))
  })
}

async function applied({ root }: Platform, { leafName, node }: From): Promise<Condition | undefined> {
  const found = await root.get(clusterNodes, { name: clusterNodeName(leafName, node) })
  return found?.status?.conditions?.find(({ type }) => type === 'Applied')
}

async function linked({ root }: Platform, name: string): Promise<Condition | undefined> {
  const found = await root.get(clusters, { name })
  return (found?.status?.conditions as readonly Condition[] | undefined)?.find(({ type }) => type === 'Linked')
}

/** Five pings a second, sent by a pod. */
async function startPings(platform: Platform, leaf: ControlPlane, pod: string, address: string) {
  const inPod = async (script: string) => {
    const { code, stdout, stderr } = await platform.kubectlIn(leaf, ['exec', pod, '--', 'sh', '-c', script])
    assert.equal(code, 0, stderr)
    return stdout.trim()
  }
  const id = await inPod(`ping -i 0.2 ${address} >/pings 2>&1 & echo $!`)
  return {
    /** How many had no answer; the last ones may be on their way still. */
    async lost() {
      const end = 'for i in $(seq 100); do grep -q "packet loss" /pings && break; sleep 0.1; done'
      const text = await inPod(`kill -INT ${id}; ${end}; cat /pings`)
      const answered = new Set(Array.from(text.matchAll(/ seq=(\d+) ttl/g), ([, number]) => Number(number)))
      assert.ok(answered.size > 100, text)
      return Math.max(...answered) + 1 - answered.size
    },
  }
}

/** Kills the agent of a node as often as it is there. */
function keepKilling([file = '', ...args]: readonly string[]) {
  // Other nodes, and other test beds, are in other networks.
  const script = `for p in $(pgrep -f '[l]ink-agent.mjs'); do
    [ "$(readlink /proc/$p/ns/net)" = "$(readlink /proc/self/ns/net)" ] && kill -9 $p && echo $p; done; true`
  const killed = new Set<string>()
  const stop = new AbortController()
  const killing = async () => {
    while (!stop.signal.aborted) {
      const { stdout } = await run(file, [...args, 'sh', '-c', script])
      for (const id of stdout.split('\n')) if (id !== '') killed.add(id)
      await sleep(100)
    }
  }
  const ended = killing()
  return {
    killed: () => killed.size,
    stop: async () => {
      stop.abort()
      await ended
    },
  }
}

/** A pod in the place of one whose container was started in vain too often to be started again soon. */
async function startAfresh(platform: Platform, leaf: ControlPlane, node: string): Promise<void> {
  const pods = ['pods', '-n', 'kosmos-link', '-l', 'app.kubernetes.io/name=link-agent']
  const { code, stderr } = await platform.kubectlIn(leaf, ['delete', ...pods, `--field-selector=spec.nodeName=${node}`])
  assert.equal(code, 0, stderr)
}

const MARK = 'kosmos-mark'

/** What is written to the kernel of a node that has to do with us: lines of `ip` and `nft`. */
function watchWrites([file = '', ...args]: readonly string[], signal: AbortSignal) {
  const monitors = ['ip monitor link address route rule', 'nft monitor'].map((command) => {
    const monitor = { text: '' }
    const child = spawn(file, [...args, ...command.split(' ')], { stdio: ['ignore', 'pipe', 'inherit'], signal })
    child.on('error', () => undefined)
    child.stdout.on('data', (chunk: Buffer) => {
      monitor.text += chunk
    })
    return monitor
  })
  const mark = `ip link add ${MARK} type veth; ip link delete ${MARK}; nft add table ip ${MARK}; nft delete table ip ${MARK}`
  return {
    async seen(): Promise<string[]> {
      // They have told everything when they tell of this.
      await run(file, [...args, 'sh', '-ec', mark])
      await eventually('monitors tell of it', () => monitors.every(({ text }) => text.includes(MARK)))
      const lines = monitors.flatMap(({ text }) => text.split('\n')).filter((line) => !line.includes(MARK))
      return lines.filter((line) => /kosmos|vx-|kl-|4876/.test(line))
    },
  }
}
