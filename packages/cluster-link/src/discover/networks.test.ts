import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ClusterLinkOptions } from '@kosmos/api'
import { contains, formatCidr, nthAddress, parseCidr } from '@kosmos/kube/addresses'
import fc from 'fast-check'
import { foundNetworks, seenNetworks } from './networks.ts'
import { block, configMap, ipamBlock, nodeWith, objects, plugIn, serviceCIDR } from './objects.fixture.ts'
import { slimIPAMBlock } from './sources/calico-blocks.ts'
import type { NetworkObjects } from './sources/objects.ts'

const look = (parts: Partial<NetworkObjects>, options: Partial<ClusterLinkOptions> = {}) =>
  foundNetworks({ cni: 'calico', ...options }, objects(parts))

const kubeadm = configMap('kube-system', 'kubeadm-config', {
  ClusterConfiguration: 'networking: {podSubnet: "10.244.0.0/16,fd00:10::/56", serviceSubnet: 10.96.0.0/12}',
})
const kubeProxy = configMap('kube-system', 'kube-proxy', { 'config.conf': 'clusterCIDR: 10.200.0.0/16' })
const flannel = configMap('kube-flannel', 'kube-flannel-cfg', {
  'net-conf.json': '{"Network": "10.244.0.0/16", "EnableIPv6": true, "IPv6Network": "fd00:10::/56"}',
})
const pool = plugIn('default-ipv4-ippool', { cidr: '192.168.0.0/16' })
const ciliumNode = plugIn('n1', { ipam: { podCIDRs: ['10.0.1.0/24'] } })

describe('the networks of a cluster', () => {
  it('are those of the first source that has any: by hand, plug-in, nodes, kubeadm, kube-proxy', () => {
    const nodes = [nodeWith('n1', '10.244.1.0/24')]
    const everything = { nodes, ipPools: [pool], configMaps: [kubeadm, kubeProxy] }
    const from = (parts: Partial<NetworkObjects>, options = {}) => {
      const { podCIDRs, podsFrom } = look(parts, options)
      return [podsFrom, ...podCIDRs]
    }
    assert.deepEqual(from(everything, { podCIDRs: ['192.168.7.0/24'] }), ['spec.clusterLinkOptions', '192.168.7.0/24'])
    assert.deepEqual(from(everything), ['IPPools of Calico', '192.168.0.0/16'])
    assert.deepEqual(from({ ...everything, ipPools: [] }), ['spec.podCIDRs of nodes', '10.244.1.0/24'])
    assert.deepEqual(from({ configMaps: [kubeadm, kubeProxy] }), [
      'ConfigMap of kubeadm',
      '10.244.0.0/16',
      'fd00:10::/56',
    ])
    assert.deepEqual(from({ configMaps: [kubeProxy] }), ['ConfigMap of kube-proxy', '10.200.0.0/16'])
    assert.deepEqual(from({}), [undefined])
  })

  it('are, of Services, what was said by hand, what ServiceCIDR objects say, what kubeadm was told', () => {
    const serviceCIDRs = [serviceCIDR('kubernetes', '10.96.0.0/16', 'fd00:96::/112')]
    const configMaps = [kubeadm]
    assert.deepEqual(look({ serviceCIDRs, configMaps }, { serviceCIDRs: ['10.7.0.0/16'] }).serviceCIDRs, [
      '10.7.0.0/16',
    ])
    assert.deepEqual(look({ serviceCIDRs, configMaps }).serviceCIDRs, ['10.96.0.0/16', 'fd00:96::/112'])
    const { serviceCIDRs: last, servicesFrom } = look({ configMaps })
    assert.deepEqual([servicesFrom, ...last], ['ConfigMap of kubeadm', '10.96.0.0/12'])
  })

  it('are asked of the plug-in that the Cluster names first', () => {
    const both = { ipPools: [pool], ciliumNodes: [ciliumNode] }
    assert.deepEqual(look(both).podCIDRs, ['192.168.0.0/16'])
    assert.deepEqual(look(both, { cni: 'cilium' }).podCIDRs, ['10.0.1.0/24'])
    assert.deepEqual(look(both, { cni: 'antrea' }).podCIDRs, ['192.168.0.0/16'])
  })

  it('are taken from ConfigMaps where the installers put them, and from no namesake of them', () => {
    const elsewhere = configMap('tenant', 'kube-flannel-cfg', { 'net-conf.json': '{"Network": "10.99.0.0/16"}' })
    assert.deepEqual(look({ configMaps: [elsewhere] }).podCIDRs, [])
    assert.deepEqual(look({ configMaps: [elsewhere, flannel] }).podCIDRs, ['10.244.0.0/16', 'fd00:10::/56'])
  })

  it('of more nodes than a Cluster has room for are told as larger ones with the same addresses', () => {
    const nodes = Array.from({ length: 300 }, (_, n) => nodeWith(`n${n}`, `10.${n >> 8}.${n & 255}.0/24`))
    const { podCIDRs, ofNodes, invalid, contradictions } = look({ nodes })
    assert.deepEqual(podCIDRs, ['10.0.0.0/16', '10.1.0.0/19', '10.1.32.0/21', '10.1.40.0/22'])
    assert.equal(ofNodes.size, 300)
    assert.deepEqual([...invalid, ...contradictions], [])
  })
})

describe('Calico', () => {
  it('has pods of a node in its blocks, neighbours as one network', () => {
    const blockAffinities = [
      block('n1', '192.168.1.64/26'),
      block('n1', '192.168.1.0/26'),
      block('n1', '192.168.9.0/26'),
      block('n2', '192.168.1.128/26'),
    ]
    const { ofNodes, podCIDRs, contradictions } = look({
      ipPools: [pool],
      blockAffinities,
      nodes: [nodeWith('n1', '10.244.1.0/24'), nodeWith('n3', '10.244.3.0/24')],
    })
    assert.deepEqual(podCIDRs, ['192.168.0.0/16'])
    assert.deepEqual(Object.fromEntries(ofNodes), {
      n1: ['192.168.1.0/25', '192.168.9.0/26'],
      n2: ['192.168.1.128/26'],
    })
    assert.deepEqual(contradictions, [])
  })

  it('has no pods in blocks that no node owns yet, or any more', () => {
    for (const parts of [{ state: 'pending' }, { deleted: true }, { deleted: 'true' }, { type: 'virtual' }]) {
      const nodes = [nodeWith('n1', '192.168.3.0/24')]
      const { ofNodes } = look({ ipPools: [pool], blockAffinities: [block('n1', '192.168.1.0/26', parts)], nodes })
      assert.deepEqual([...ofNodes], [['n1', ['192.168.3.0/24']]], JSON.stringify(parts))
    }
  })

  it('has pods of a node at addresses of other blocks, behind its own networks and one by one', () => {
    const blockAffinities = [block('n1', '192.168.1.0/26'), block('n2', '192.168.9.0/26')]
    const blocks = [
      ipamBlock('192.168.1.0/26', 'host:n1', ['n1', null, 'n2', 'n1']),
      ipamBlock('192.168.200.0/29', undefined, [null, 'n1', 'n2', 'n2']),
      ipamBlock('10.9.0.0/26', 'host:n1', ['n2']),
      ipamBlock('192.168.10.0/26', 'virtual:load-balancer', ['n2']),
    ]
    const { ofNodes, contradictions, leftOut } = look({
      ipPools: [pool],
      blockAffinities,
      ipamBlocks: blocks.map(slimIPAMBlock),
    })
    assert.deepEqual(Object.fromEntries(ofNodes), {
      n1: ['192.168.1.0/26', '192.168.200.1/32'],
      n2: ['192.168.9.0/26', '192.168.1.2/32', '192.168.200.2/31'],
    })
    assert.deepEqual([contradictions, leftOut], [[], []])
  })

  it('has each address in use on the node that uses it, by the longest network that it is in', () => {
    const nodes = ['n0', 'n1', 'n2']
    const name = fc.constantFrom(...nodes)
    const block4 = fc.record({
      owner: fc.option(name),
      users: fc.array(fc.option(name), { minLength: 8, maxLength: 8 }),
    })
    fc.assert(
      fc.property(fc.array(block4, { minLength: 1, maxLength: 6 }), (blocks) => {
        const cidrs = blocks.map((_, n) => `192.168.${n}.0/29`)
        const { ofNodes } = look({
          ipPools: [pool],
          blockAffinities: blocks.flatMap(({ owner }, n) => (owner ? [block(owner, cidrs[n] ?? '')] : [])),
          ipamBlocks: blocks.map(({ owner, users }, n) =>
            slimIPAMBlock(ipamBlock(cidrs[n] ?? '', owner ? `host:${owner}` : undefined, users)),
          ),
        })
        const networks = [...ofNodes].flatMap(([node, own]) => own.map((cidr) => ({ node, cidr: parseCidr(cidr) })))
        // Where no node has a block, those of Calico are not in use.
        fc.pre(blocks.some(({ owner }) => owner !== null))
        for (const [index, { users }] of blocks.entries()) {
          for (const [n, user] of users.entries()) {
            const address = parseCidr(nthAddress(parseCidr(cidrs[index] ?? ''), BigInt(n)))
            const [longest] = networks
              .filter(({ cidr }) => contains(cidr, address))
              .sort((a, b) => b.cidr.prefix - a.cidr.prefix)
            if (user !== null) assert.equal(longest?.node, user, formatCidr(address))
          }
        }
      }),
    )
  })

  it('tells nothing new when pods come and go with addresses of their own node', () => {
    const [before, after] = [['n1'], ['n1', 'n1', null, 'n1']].map((users) =>
      slimIPAMBlock(ipamBlock('192.168.1.0/26', 'host:n1', users)),
    )
    assert.deepEqual(after, before)
  })

  it('says how many addresses of a node are too many for its ClusterNode', () => {
    const users = Array.from({ length: 1024 }, (_, n) => (n % 2 === 0 ? 'n2' : null))
    const { ofNodes, leftOut } = look({
      ipPools: [pool],
      blockAffinities: [block('n1', '192.168.0.0/22'), block('n2', '192.168.9.0/26')],
      ipamBlocks: [slimIPAMBlock(ipamBlock('192.168.0.0/22', 'host:n1', users))],
    })
    assert.equal(ofNodes.get('n2')?.[0], '192.168.9.0/26')
    assert.equal(ofNodes.get('n2')?.length, 256)
    assert.deepEqual(leftOut, ['257 of 513 of node n2'])
  })

  it('keeps a disabled pool as long as nodes have blocks of it, and takes no pool for load balancers', () => {
    const disabled = plugIn('old', { cidr: '10.9.0.0/16', disabled: true })
    const balancers = plugIn('vips', { cidr: '198.51.100.0/24', allowedUses: ['LoadBalancer'] })
    const ipPools = [pool, disabled, balancers]
    assert.deepEqual(look({ ipPools }).podCIDRs, ['192.168.0.0/16'])
    const blockAffinities = [block('n1', '10.9.0.64/26')]
    assert.deepEqual(look({ ipPools, blockAffinities }).podCIDRs, ['10.9.0.0/16', '192.168.0.0/16'])
  })
})

describe('Cilium', () => {
  it('says it in each CiliumNode, of one pool or of several', () => {
    const several = plugIn('n2', {
      ipam: {
        pools: {
          allocated: [
            { pool: 'a', cidrs: ['10.0.2.0/25'] },
            { pool: 'b', cidrs: ['10.0.2.128/25'] },
          ],
        },
      },
    })
    const { podCIDRs, ofNodes } = look({ ciliumNodes: [ciliumNode, several] })
    assert.deepEqual(podCIDRs, ['10.0.1.0/24', '10.0.2.0/25', '10.0.2.128/25'])
    assert.deepEqual(Object.fromEntries(ofNodes), { n1: ['10.0.1.0/24'], n2: ['10.0.2.0/24'] })
  })
})

describe('what does not fit together', () => {
  const of = (parts: Partial<NetworkObjects>, options = {}) => look(parts, options).contradictions

  it('names a block that is in no pool, and a pool', () => {
    assert.deepEqual(of({ ipPools: [pool], blockAffinities: [block('n1', '10.9.0.0/26')] }), [
      '10.9.0.0/26 of BlockAffinity n1-10-9-0-0-26 and 192.168.0.0/16 of IPPool default-ipv4-ippool',
    ])
  })

  it('names a node beside the network of Flannel, and that network', () => {
    assert.deepEqual(of({ configMaps: [flannel], nodes: [nodeWith('n1', '10.9.1.0/24', 'fd00:10:0:1::/64')] }), [
      '10.9.1.0/24 of node n1 and 10.244.0.0/16 of ConfigMap kube-flannel/kube-flannel-cfg',
    ])
  })

  it('names two nodes with the same network, or one within the other', () => {
    assert.deepEqual(of({ nodes: [nodeWith('n1', '10.1.0.0/24'), nodeWith('n2', '10.1.0.0/25')] }), [
      '10.1.0.0/24 of node n1 and 10.1.0.0/25 of node n2',
    ])
    const blockAffinities = [block('n2', '192.168.1.0/26'), block('n1', '192.168.1.0/26')]
    const [twice] = of({ ipPools: [pool], blockAffinities })
    assert.match(twice ?? '', /^192\.168\.1\.0\/26 of BlockAffinity n\d-\S+ and 192\.168\.1\.0\/26 of BlockAffinity n/)
  })

  it('names two plug-ins, of which one may have been left behind', () => {
    assert.deepEqual(of({ ipPools: [pool], ciliumNodes: [ciliumNode] }), [
      '192.168.0.0/16 of IPPool default-ipv4-ippool and 10.0.1.0/24 of CiliumNode n1',
    ])
  })

  it('names what was said by hand and is nowhere in the networks of the plug-in, not what is a part of them', () => {
    assert.deepEqual(of({ ipPools: [pool] }, { podCIDRs: ['10.1.0.0/16'] }), [
      '10.1.0.0/16 of spec.clusterLinkOptions and 192.168.0.0/16 of IPPool default-ipv4-ippool',
    ])
    const blockAffinities = [block('n1', '192.168.7.0/26'), block('n2', '192.168.8.0/26')]
    assert.deepEqual(of({ ipPools: [pool], blockAffinities }, { podCIDRs: ['192.168.7.0/24'] }), [])
  })

  it('names what was mapped by hand and is less than the network that it is a part of, which is not mapped by it', () => {
    const map = (...from: string[]) => ({ globalCIDRsMap: Object.fromEntries(from.map((cidr) => [cidr, cidr])) })
    assert.deepEqual(of({ ipPools: [pool] }, map('192.168.7.0/24')), [
      '192.168.7.0/24 of globalCIDRsMap and 192.168.0.0/16 of IPPool default-ipv4-ippool',
    ])
    assert.deepEqual(of({ ipPools: [pool] }, map('192.168.0.0/16', '192.0.0.0/8', '10.0.0.0/8')), [])
  })

  it('names pods and Services with the same addresses', () => {
    const serviceCIDRs = [serviceCIDR('kubernetes', '192.168.128.0/20')]
    assert.deepEqual(of({ ipPools: [pool], serviceCIDRs }), [
      '192.168.0.0/16 of IPPool default-ipv4-ippool and 192.168.128.0/20 of ServiceCIDR kubernetes',
    ])
  })

  it('is not that a plug-in with pools of its own takes other networks than nodes and kubeadm were given', () => {
    const nodes = [nodeWith('n1', '10.244.1.0/24')]
    assert.deepEqual(of({ nodes, ipPools: [pool], configMaps: [kubeadm] }), [])
    assert.deepEqual(of({ nodes, ciliumNodes: [ciliumNode], configMaps: [kubeadm] }), [])
  })
})

describe('what is no network', () => {
  it('is left out and named, with the object that says it', () => {
    const bad = plugIn('bad', { cidr: '10.1.0.0/33' })
    const { podCIDRs, invalid } = look({ ipPools: [pool, bad] })
    assert.deepEqual(podCIDRs, ['192.168.0.0/16'])
    assert.deepEqual(invalid, ['"10.1.0.0/33" of IPPool bad is no network'])
  })

  it('is a network of everything, of one host, of a group, or of the IPv4 within IPv6', () => {
    for (const text of [
      '0.0.0.0/0',
      '8.0.0.0/7',
      'fc00::/7',
      '127.0.0.0/8',
      '224.1.0.0/16',
      'fe80::/64',
      '::ffff:10.0.0.0/104',
    ]) {
      const { podCIDRs, invalid } = look({ ipPools: [plugIn('p', { cidr: text })] })
      assert.deepEqual([podCIDRs, invalid.length], [[], 1], text)
    }
  })

  it('is not looked for in sources that nobody needed to ask', () => {
    const broken = configMap('kube-system', 'kube-proxy', { 'config.conf': '{' })
    assert.deepEqual(look({ ipPools: [pool], configMaps: [kubeadm, broken] }).invalid, [])
    assert.deepEqual(look({ configMaps: [broken] }).invalid, [
      'config.conf of ConfigMap kube-system/kube-proxy cannot be read',
    ])
  })
})

describe('whatever stands in the objects of a cluster', () => {
  const hostile = fc.oneof(
    fc.anything({ maxDepth: 3, withNullPrototype: false }).map((value) => JSON.parse(JSON.stringify(value) ?? 'null')),
    fc.constantFrom('10.1.0.0/16', '10.1.0.0', '10.1.0.0/', '/16', '10.1/16', '010.1.0.0/16', '10.1.0.0/016', '::/0'),
    fc.constantFrom('10.1.0.0/16\n10.2.0.0/16', '1'.repeat(5000), 'fd00::1%eth0/64', '10.1.0.0/16 ', ' ', '٣.1.0.0/16'),
    fc.constantFrom({ toString: 1 }, { __proto__: null, length: 9 }, [['10.1.0.0/16']]),
    fc.ipV4().map((address) => `${address}/24`),
    fc.ipV6().map((address) => `${address}/64`),
  )
  const spec = (...fields: string[]) =>
    fc.oneof(hostile, fc.record(Object.fromEntries(fields.map((field) => [field, hostile])), { requiredKeys: [] }))
  const some = <T>(arbitrary: fc.Arbitrary<T>) => fc.array(arbitrary, { maxLength: 4 })
  const text = fc.oneof(
    fc.string(),
    hostile.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))),
  )
  const everything = fc.record({
    pools: some(spec('cidr', 'disabled', 'allowedUses')),
    blocks: some(spec('cidr', 'node', 'deleted', 'type').map((fields) => ({ ...Object(fields), state: 'confirmed' }))),
    inUse: some(spec('cidr', 'affinity', 'allocations', 'attributes')),
    cilium: some(fc.record({ ipam: spec('podCIDRs', 'pools') })),
    kubeadm: fc.oneof(
      text,
      hostile.map((podSubnet) => JSON.stringify({ networking: { podSubnet } })),
    ),
    kubeProxy: fc.oneof(
      text,
      hostile.map((clusterCIDR) => JSON.stringify({ clusterCIDR })),
    ),
    flannel: fc.oneof(
      text,
      hostile.map((Network) => JSON.stringify({ Network, EnableIPv4: Network })),
    ),
    byHand: some(
      fc.oneof(
        fc.string(),
        hostile.filter((value) => typeof value === 'string'),
      ),
    ),
  })

  it('gives networks that can be planned with, or is named, in words that fit into a condition', () => {
    fc.assert(
      fc.property(everything, ({ pools, blocks, inUse, cilium, kubeadm, kubeProxy, flannel, byHand }) => {
        const found = look(
          {
            ipPools: pools.map((fields, n) => plugIn(`pool-${n}`, fields)),
            blockAffinities: blocks.map((fields, n) => plugIn(`block-${n}`, fields)),
            ipamBlocks: inUse.map((fields, n) => slimIPAMBlock(plugIn(`used-${n}`, fields))),
            ciliumNodes: cilium.map((fields, n) => plugIn(`node-${n}`, fields)),
            configMaps: [
              configMap('kube-system', 'kubeadm-config', { ClusterConfiguration: kubeadm }),
              configMap('kube-system', 'kube-proxy', { 'config.conf': kubeProxy }),
              configMap('kube-flannel', 'kube-flannel-cfg', { 'net-conf.json': flannel }),
            ],
          },
          { podCIDRs: byHand as string[] },
        )
        seenNetworks(found)
        for (const cidr of [...found.podCIDRs, ...[...found.ofNodes.values()].flat()]) {
          assert.ok(parseCidr(cidr).prefix >= 8, cidr)
        }
        for (const sentence of [...found.invalid, ...found.contradictions]) assert.ok(sentence.length < 400, sentence)
      }),
      { numRuns: 500 },
    )
  })
})
