import { randomBytes } from 'node:crypto'
import { pods } from '@kosmos/kube'
import { explain } from '../../../terminal/explain.ts'
import type { Progress } from '../../../terminal/progress.ts'
import { type LinkedCluster, linkNamespace, type OpenMember } from '../../network/facts.ts'
import { insideOf } from '../../network/view.ts'
import { cleanUp } from '../../pods/clean-up.ts'
import { counter } from '../../pods/manifests.ts'
import { runPod } from '../../pods/run.ts'
import { podRights, type Site, withSites } from '../../pods/sites.ts'
import { type Growth, growthOf } from './growth.ts'

export interface CountOptions {
  readonly clusters: readonly LinkedCluster[]
  readonly open: OpenMember
  /** `cluster/node`. */
  readonly places: ReadonlySet<string>
  readonly signal: AbortSignal
}

/** What nodes have counted, and why some could not be asked. */
export interface Counted {
  readonly growths: ReadonlyMap<string, Growth>
  readonly problems: readonly string[]
}

/** Agents ask each next hop every two seconds at least. */
const secondsBetween = 7
const timeoutMs = 120_000

/** Reads the counters of nodes twice, by pods on them that are made for it; nothing of them is left, whatever happens. */
export async function countOn({ clusters, open, places, signal }: CountOptions, progress: Progress): Promise<Counted> {
  const run = randomBytes(4).toString('hex')
  const meant = clusters.filter(({ name }) => [...places].some((place) => place.startsWith(`${name}/`)))
  return await withSites({ clusters: meant, open, everyNode: true, rights: podRights }, async ({ sites, findings }) => {
    const growths = new Map<string, Growth>()
    const problems = findings.map(({ cluster, verdict }) => `${cluster}: ${verdict.what}`)
    const jobs = sites.flatMap((site) =>
      site.nodes.filter((node) => places.has(`${site.name}/${node}`)).map((node) => ({ site, node })),
    )
    const count = async ({ site, node }: (typeof jobs)[number], index: number) => {
      try {
        growths.set(`${site.name}/${node}`, await growthOn(site, node, `link-trace-${run}-${index}`))
      } catch (error) {
        problems.push(`${site.name}/${node}: ${explain(error).message}`)
      }
    }
    const growthOn = async (site: Site, node: string, name: string): Promise<Growth> => {
      const port = portOf(clusters.find((one) => one.name === site.name))
      const manifest = counter(name, { run, node, image: site.image }, { port, seconds: secondsBetween })
      const isOver = (phase: string) => phase === 'Succeeded' || phase === 'Failed'
      await runPod(site, manifest, { timeoutMs, signal }, isOver)
      return readingIn(String(await site.client.raw(`/api/v1/namespaces/${linkNamespace}/pods/${name}/log`)))
    }
    try {
      await progress.step('reading counters on the nodes', () => Promise.all(jobs.map(count)))
    } finally {
      await progress.step('removing check pods', () =>
        Promise.all(sites.map((site) => cleanUp(site.client, run, [pods]))),
      )
    }
    return { growths, problems }
  })
}

function readingIn(log: string): Growth {
  const [result] = log.split('\n').filter((line) => line.startsWith('RESULT '))
  if (result === undefined)
    throw new Error(printable(log.trim().split('\n').at(-1)) || 'its check pod has said nothing')
  const { before, after } = JSON.parse(result.slice('RESULT '.length)) as { before: string[]; after: string[] }
  return growthOf(before, after)
}

const printable = (text = ''): string => text.replace(/[^\x20-\x7e]/g, '?').slice(0, 200)

/** Where agents serve their metrics; 10275 in our DaemonSet. */
function portOf(cluster: LinkedCluster | undefined): number {
  const [agent] = (cluster && insideOf(cluster)?.agents) ?? []
  const args = agent?.spec.containers?.[0]?.args ?? []
  const [, port] = /^--https=.*:(\d+)$/.exec(args.find((arg) => arg.startsWith('--https=')) ?? '') ?? []
  return Number(port ?? 10_275)
}
