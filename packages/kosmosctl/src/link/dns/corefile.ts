/** Names of imported Services: KEP-1645 fixes the zone. */
export const clusterSetZone = 'clusterset.local'

const BEGIN = '# kosmosctl link dns: begin'
const END = '# kosmosctl link dns: end'

/** A server of its own, so that nothing that is there has to be changed. Answers are kept as briefly as they may be true. */
const SERVER = `${BEGIN}
${clusterSetZone}:53 {
    errors
    kubernetes ${clusterSetZone} {
        multicluster ${clusterSetZone}
        ttl 5
    }
    cache 5
    loadbalance
}
${END}
`

/** Whether a configuration of CoreDNS answers names of imported Services. Pure. */
export function answersClusterSet(corefile: string): boolean {
  const lines = corefile.split('\n').map((line) => line.replace(/#.*/, '').trim().split(/\s+/))
  return lines.some(([option, ...zones]) => option === 'multicluster' && zones.some(isZone))
}

const isZone = (zone: string): boolean => zone.replace(/\.$/, '') === clusterSetZone

/** The configuration with our server; as it is if it answers already. Pure. */
export function withClusterSet(corefile: string): string {
  if (answersClusterSet(corefile)) return corefile
  const before = withoutClusterSet(corefile)
  return `${before}${before === '' || before.endsWith('\n') ? '' : '\n'}${SERVER}`
}

/** The configuration without our server. Pure. */
export function withoutClusterSet(corefile: string): string {
  const [begin, end] = [corefile.indexOf(BEGIN), corefile.indexOf(END)]
  if (begin < 0 || end < begin) return corefile
  return corefile.slice(0, begin) + corefile.slice(end + END.length).replace(/^\n/, '')
}

/** Whether it takes servers from a ConfigMap for what users add, as those of k3s and AKS do. Pure. */
export function importsCustom(corefile: string): boolean {
  return /^\s*import\s+(\/etc\/coredns\/)?custom\/\*\.server\s*$/m.test(corefile)
}
