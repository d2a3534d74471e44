import { clusterNameMaxLength } from '../names.ts'

interface Broken {
  /** A part of the sentence of the rule that is broken. */
  readonly sentence: string
  readonly name?: string
  readonly spec: object
}

const link = (options: object) => ({ clusterLinkOptions: options })
const models = (...leafModels: object[]) => ({ clusterTreeOptions: { leafModels } })
const expression = (requirement: object) =>
  models({ nodeSelector: { labelSelector: { matchExpressions: [{ key: 'pool', ...requirement }] } } })

/** Clusters that each break one rule and are fine otherwise. */
export const brokenClusters: readonly Broken[] = [
  { sentence: 'metadata.name must have at most', name: 'a'.repeat(clusterNameMaxLength + 1), spec: {} },
  { sentence: 'ip must be an IPv4 network', spec: link({ localCIDRs: { ip: '9480::/16' } }) },
  { sentence: 'ip must be an IPv4 network', spec: link({ bridgeCIDRs: { ip: '210.0.0.0' } }) },
  { sentence: 'ip6 must be an IPv6 network', spec: link({ localCIDRs: { ip6: '210.0.0.0/8' } }) },
  { sentence: 'must be a CIDR', spec: link({ podCIDRs: ['10.0.0.0/16', '10.1.0.0'] }) },
  { sentence: 'must be a CIDR', spec: link({ serviceCIDRs: ['10.0.0.0/33'] }) },
  { sentence: 'each entry must map a CIDR', spec: link({ globalCIDRsMap: { '10.0.0.0/16': '242.0.0.0/24' } }) },
  { sentence: 'each entry must map a CIDR', spec: link({ globalCIDRsMap: { '10.0.0.0/16': 'fd00::/16' } }) },
  { sentence: 'each entry must map a CIDR', spec: link({ globalCIDRsMap: { pods: '242.0.0.0/24' } }) },
  { sentence: 'must be an address, with a port', spec: link({ endpoints: { n1: 'gateway.example:1' } }) },
  { sentence: 'must be an address, with a port', spec: link({ endpoints: { n1: '192.0.2.256:1' } }) },
  { sentence: 'must be an address, with a port', spec: link({ endpoints: { n1: '192.0.2.1:0' } }) },
  { sentence: 'must be an address, with a port', spec: link({ endpoints: { n1: '192.0.2.1:65536' } }) },
  { sentence: 'must be an address, with a port', spec: link({ endpoints: { n1: '2001:db8::1' } }) },
  { sentence: 'must be an address, with a port', spec: link({ endpoints: { n1: '[192.0.2.1]:1' } }) },
  { sentence: 'must be an address, with a port', spec: link({ endpoints: { n1: '[::ffff:102:304]:1' } }) },
  { sentence: 'must be an address, with a port', spec: link({ endpoints: { n1: '1.2:1' } }) },
  { sentence: 'must be first-found', spec: link({ autodetectionMethod: 'best' }) },
  { sentence: 'In and NotIn need values', spec: expression({ operator: 'In' }) },
  { sentence: 'In and NotIn need values', spec: expression({ operator: 'NotIn', values: [] }) },
  { sentence: 'In and NotIn need values', spec: expression({ operator: 'Exists', values: ['a'] }) },
  { sentence: 'every key must be a label key', spec: models({ labels: { 'a b': 'c' } }) },
  {
    sentence: 'by nodeName or by labelSelector',
    spec: models({ nodeSelector: { nodeName: 'a', labelSelector: { matchLabels: { b: 'c' } } } }),
  },
  {
    sentence: 'leafNodeName must have at most',
    spec: models({ leafNodeName: 'a'.repeat(53), nodeSelector: { labelSelector: {} } }),
  },
  { sentence: 'must be the only one', spec: models({ leafNodeName: 'all' }, { nodeSelector: { nodeName: 'a' } }) },
  {
    sentence: 'must be the only one',
    spec: models({ nodeSelector: { nodeName: '' } }, { nodeSelector: { nodeName: 'a' } }),
  },
]
