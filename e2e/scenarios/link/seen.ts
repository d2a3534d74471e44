import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import type { Finding } from '@kosmos/kosmosctl'
import { enterNode } from '@kosmos/testbed'
import { eventually, type Platform } from '../../platform/platform.ts'

const run = promisify(execFile)
const main = path.resolve(import.meta.dirname, '../../../packages/kosmosctl/src/main.ts')

/** Without KOSMOS_LINK_MATRIX=all, what takes long is left out. */
export const isWhole = process.env.KOSMOS_LINK_MATRIX === 'all'

interface LinkCheck {
  readonly pairs: readonly { readonly from: string; readonly to: string; readonly verdict: string }[]
  readonly pods?: readonly { readonly way: string; readonly works: boolean }[]
  readonly checks: readonly (Pick<Finding, 'id'> & {
    readonly status: string
    readonly what: string
    readonly fix: string
  })[]
}

interface Result {
  readonly code: number
  readonly stdout: string
}

/** `kosmosctl link …` as an administrator of the root and of every leaf types it. */
export async function kosmosctlLink({ testbed }: Platform, ...args: string[]): Promise<Result> {
  const own = testbed.leaves.map(({ name, kubeconfig }) => `--cluster-kubeconfig=${name}=${kubeconfig}`)
  const env = { ...process.env, KUBECONFIG: testbed.root.kubeconfig }
  try {
    return { code: 0, ...(await run(process.execPath, [main, 'link', ...args, ...own], { env })) }
  } catch (error) {
    const { code, stdout } = error as { code: number; stdout: string }
    return { code, stdout }
  }
}

/** Has every node of every linked cluster make new keys. */
export async function rotateKeys({ testbed }: Platform): Promise<void> {
  const env = { ...process.env, KUBECONFIG: testbed.root.kubeconfig }
  await run(process.execPath, [main, 'link', 'rotate-keys'], { env })
}

export async function linkCheck(platform: Platform, ...args: string[]): Promise<LinkCheck & { readonly code: number }> {
  const { code, stdout } = await kosmosctlLink(platform, 'check', '-o', 'json', ...args)
  return { code, ...(JSON.parse(stdout) as LinkCheck) }
}

/** Every cluster reaches every other one, by what agents say; what they have just been told they ask first. */
export async function nothingIsWrong(platform: Platform): Promise<void> {
  await eventually('kosmosctl link check finds nothing, and that everything works', async () => {
    const { code, pairs, checks } = await linkCheck(platform, '--nodes')
    if (code === 0 && pairs.length > 0 && pairs.every(({ verdict }) => verdict === 'works')) return true
    const problems = checks.filter(({ status }) => status === 'problem')
    throw new Error(JSON.stringify({ problems, pairs }))
  })
}

/** All that check pods try works between all clusters, and nothing of them is left. */
export async function everythingWorks(platform: Platform): Promise<void> {
  await nothingIsWrong(platform)
  const { code, pods = [], checks } = await linkCheck(platform, isWhole ? '--throughput' : '--pods', '--nodes')
  assert.equal(code, 0, JSON.stringify(checks.filter(({ status }) => status === 'problem')))
  const ways = new Set(pods.map(({ way }) => way))
  const tried = ['large packets', 'node → pod', 'pod → Service', 'pod → pod', ...(isWhole ? ['throughput'] : [])]
  assert.deepEqual([...ways].sort(), tried)
  assert.ok(pods.every(({ works }) => works))
  assert.ok(
    checks.every(({ id, status }) => id !== 'pods' || status === 'ok'),
    'callees see who calls',
  )
  await noCheckPodIsLeft(platform)
}

export async function noCheckPodIsLeft(platform: Platform): Promise<void> {
  for (const leaf of platform.testbed.leaves) {
    await eventually('no check pod is left', async () => {
      const selector = ['-n', 'kosmos-link', '-l', 'kosmos.io/link-check', '-o', 'name']
      return (await platform.kubectlIn(leaf, ['get', 'pods,services', ...selector])).stdout === ''
    })
  }
}

/** An Event in the root on the ClusterNode of a node. */
export async function isTold(
  platform: Platform,
  { leafName, node }: { readonly leafName: string; readonly node: string },
  reason: string,
  note: string,
): Promise<void> {
  const fields = `reason=${reason},involvedObject.kind=ClusterNode,involvedObject.name=${leafName}-${node}`
  await eventually(`${reason} of ${node}: ${note}`, async () => {
    const { stdout } = await platform.kubectl(['get', 'events', '--field-selector', fields])
    if (stdout.includes(note)) return true
    throw new Error(stdout)
  })
}

/** A node drops what comes to a UDP port from an address, or of that what is longer than so many bytes, until the work is done. */
export async function whileDropping(
  { testbed }: Platform,
  on: { readonly cluster: string; readonly node: string },
  what: { readonly from: string; readonly port: number; readonly longerThan?: number },
  work: () => Promise<void>,
): Promise<void> {
  const [file = '', ...args] = enterNode(testbed.journal, on.cluster, on.node, ['net'])
  const nft = (command: string) => run(file, [...args, 'nft', command])
  // Ahead of everything else that looks at packets.
  await nft('add table inet breakage; add chain inet breakage in { type filter hook prerouting priority -400; }')
  try {
    const length = what.longerThan === undefined ? '' : `meta length > ${what.longerThan}`
    await nft(`add rule inet breakage in ip saddr ${what.from} udp dport ${what.port} ${length} drop`)
    await work()
  } finally {
    await nft('delete table inet breakage')
  }
}
