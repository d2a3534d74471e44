import type { CounterSums } from './counter-sums.ts'
import type { Gathered } from './gather.ts'
import type { CopyIdentity } from './leaf-nodes.ts'

/** Headers of an answer in this format. */
export const EXPOSITION = { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' } as const

interface Family {
  readonly header: string[]
  readonly samples: string[]
  /** Of each node, by name and labels. */
  readonly ofNodes: Map<string, OfNodes>
}

interface OfNodes {
  readonly values: Map<string, number>
  /** The time of the newest. */
  at: number | undefined
}

const SAMPLE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+(-?\d+))?$/
const HEADER = /^# (?:HELP|TYPE) (\S+)/
const COUNTED = /^# TYPE \S+ (?:counter|histogram|summary)$/
// A quote inside of a value is escaped, so a bare one always begins or ends a value.
const [NAMESPACE, POD, POD_UID] = [/(?:^|,)namespace="([^"]*)"/, /(?:^|,)pod="([^"]*)"/, /(?:^|,)pod_uid="([^"]*)"/]

/**
 * One exposition (Prometheus text format 0.0.4) out of those of several kubelets: the series of the given pods, with
 * the uid that they have in the root, and what the nodes together have of what a kubelet says of its node: not while one is
 * missing, because what it has would come all at once with it. What is about other pods or one machine is left out.
 * @param counters of this virtual node and this path
 */
export function mergeExpositions(
  { bodies, failed, round }: Gathered,
  copies: ReadonlyMap<string, CopyIdentity>,
  counters: CounterSums,
): string {
  const families = new Map<string, Family>()
  for (const [node, text] of bodies) gather(families, node, String(text), copies)
  const lines: string[] = []
  for (const [name, { header, samples, ofNodes }] of families) {
    const isFlag = name.endsWith('scrape_error')
    const isCounted = header.some((line) => COUNTED.test(line))
    const summed = [...(isFlag || failed === 0 ? ofNodes : [])].map(([series, { values, at }]) => {
      const sum = isCounted ? counters.sum(series, round, values) : total(values)
      // Not a count: something is missing in what follows.
      const shown = isFlag ? Number(sum + failed > 0) : sum
      return at === undefined ? `${series} ${shown}` : `${series} ${shown} ${at}`
    })
    if (samples.length + summed.length > 0) lines.push(...header, ...samples, ...summed)
  }
  return lines.length > 0 ? `${lines.join('\n')}\n` : ''
}

function total(values: ReadonlyMap<string, number>): number {
  return [...values.values()].reduce((sum, value) => sum + value, 0)
}

function gather(
  families: Map<string, Family>,
  node: string,
  text: string,
  copies: ReadonlyMap<string, CopyIdentity>,
): void {
  let current = ''
  // Only the first kubelet's headers are kept.
  const before = new Set(families.keys())
  for (const line of text.split('\n')) {
    const family = HEADER.exec(line)?.[1]
    if (family !== undefined) {
      current = family
      if (!before.has(family)) familyOf(families, family).header.push(line)
      continue
    }
    const [, name, labels = '', value = '', at] = SAMPLE.exec(line) ?? []
    if (name === undefined) continue
    // Series of a histogram have suffixes, and follow the header of their family.
    const { samples, ofNodes } = familyOf(families, name.startsWith(current) && current ? current : name)
    const pod = labels.match(POD)?.[1]
    if (pod) {
      const copy = copies.get(`${labels.match(NAMESPACE)?.[1]}/${pod}`)
      if (copy && isThisOne(labels, copy)) samples.push(podFirst(inRoot(line, copy)))
    } else if (/^(node_|scrape_error$|resource_scrape_error$)/.test(name)) {
      add(ofNodes, labels ? `${name}{${labels}}` : name, node, Number(value), at === undefined ? undefined : Number(at))
    }
  }
}

/** Paths of cgroups have the uid as well, with underscores where systemd keeps them. */
function inRoot(sample: string, { leafUid, rootUid }: CopyIdentity): string {
  const forSystemd = (uid: string) => uid.replaceAll('-', '_')
  return sample.replaceAll(leafUid, rootUid).replaceAll(forSystemd(leafUid), forSystemd(rootUid))
}

/** The order of labels means nothing, but virtual-kubelet's end-to-end tests take the second one for the pod's name. */
function podFirst(sample: string): string {
  return sample.replace(/(,namespace="[^"]*")(,pod="[^"]*")/, '$2$1')
}

function familyOf(families: Map<string, Family>, name: string): Family {
  const family = families.get(name) ?? { header: [], samples: [], ofNodes: new Map() }
  families.set(name, family)
  return family
}

function add(ofNodes: Family['ofNodes'], series: string, node: string, value: number, at: number | undefined): void {
  const known: OfNodes = ofNodes.get(series) ?? { values: new Map(), at }
  known.values.set(node, value)
  if (at !== undefined) known.at = Math.max(known.at ?? at, at)
  ofNodes.set(series, known)
}

/** Some series say which incarnation they are of. */
function isThisOne(labels: string, { leafUid }: CopyIdentity): boolean {
  const uid = labels.match(POD_UID)?.[1]
  return uid === undefined || uid === leafUid
}
