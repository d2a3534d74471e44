import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { render } from './render.ts'
import type { Link } from './state.ts'

const link: Link = {
  name: 'vx-bridge',
  kind: 'vxlan',
  vxlan: { id: 54, port: 4876, local: '192.0.2.1', bindDev: 'eth0' },
  mac: '02:00:00:00:00:01',
  mtu: 1450,
  addresses: [],
  isUp: true,
  isMarked: true,
  isLoose: true,
}
const tunnel: Link = {
  name: 'kl-wireguard',
  kind: 'tun',
  mtu: 1420,
  addresses: [],
  isUp: true,
  isMarked: true,
  isLoose: true,
}

describe('what the steps are for the programs', () => {
  it('gathers neighbouring steps for one program into one call', () => {
    const actions = render([
      { do: 'link.add', link },
      { do: 'address.add', dev: 'vx-bridge', address: '220.0.2.1/32' },
      { do: 'address.add', dev: 'vx-bridge', address: 'fd22::1/128' },
      { do: 'fdb.replace', fdb: { dev: 'vx-bridge', mac: '02:00:00:00:00:02', ip: '192.0.2.2' } },
      { do: 'neighbour.replace', neighbour: { dev: 'vx-bridge', ip: '220.0.2.2', mac: '02:00:00:00:00:02' } },
    ])
    assert.deepEqual(actions, [
      {
        run: {
          argv: ['ip', '-batch', '-'],
          stdin: [
            'link add name vx-bridge address 02:00:00:00:00:01 mtu 1450 type vxlan id 54 local 192.0.2.1 dev eth0 dstport 4876 nolearning',
            'link set dev vx-bridge alias kosmos.io',
            'link set dev vx-bridge addrgenmode none',
            'link set dev vx-bridge up',
            'address add 220.0.2.1/32 dev vx-bridge',
            'address add fd22::1/128 dev vx-bridge nodad',
            '',
          ].join('\n'),
        },
      },
      {
        run: {
          argv: ['bridge', '-batch', '-'],
          stdin: 'fdb replace 02:00:00:00:00:02 dev vx-bridge dst 192.0.2.2 self permanent\n',
        },
      },
      {
        run: {
          argv: ['ip', '-batch', '-'],
          stdin: 'neigh replace 220.0.2.2 lladdr 02:00:00:00:00:02 dev vx-bridge nud permanent\n',
        },
      },
    ])
  })

  it('writes routes with one next hop, several, and none', () => {
    const [action] = render([
      {
        do: 'route.replace',
        route: { cidr: '10.2.0.0/16', source: '220.0.2.1', hops: [{ dev: 'vx', gateway: '220.0.2.2' }] },
      },
      { do: 'route.replace', route: { cidr: '220.0.2.2/32', hops: [{ dev: 'vx' }] } },
      {
        do: 'route.replace',
        route: {
          cidr: 'fd02::/64',
          source: 'fd22::1',
          hops: [
            { dev: 'vx', gateway: 'fd22::2' },
            { dev: 'vx', gateway: 'fd22::3' },
          ],
        },
      },
      { do: 'route.replace', route: { cidr: '240.0.0.0/8', hops: [] } },
      { do: 'route.delete', route: { cidr: '240.0.0.0/8', hops: [] } },
      {
        do: 'route.replace',
        route: { cidr: '10.1.2.0/24', isInward: true, hops: [{ dev: 'vl', gateway: '210.0.2.2' }] },
      },
      { do: 'route.delete', route: { cidr: '10.2.0.0/16', isHandedOn: true, hops: [{ dev: 'vl' }] } },
    ])
    assert(action && 'run' in action)
    assert.deepEqual(action.run.stdin.trim().split('\n'), [
      'route replace 10.2.0.0/16 proto 76 table 4876 src 220.0.2.1 via 220.0.2.2 dev vx onlink',
      'route replace 220.0.2.2/32 proto 76 table 4876 dev vx',
      'route replace fd02::/64 proto 76 table 4876 src fd22::1 nexthop via fd22::2 dev vx onlink nexthop via fd22::3 dev vx onlink',
      'route replace unreachable 240.0.0.0/8 proto 76 table 4876',
      'route delete unreachable 240.0.0.0/8 table 4876',
      'route replace 10.1.2.0/24 proto 76 table 4878 via 210.0.2.2 dev vl onlink',
      'route delete 10.2.0.0/16 table 4879',
    ])
  })

  it('looks for inward routes and for those of what was handed on first, and for what comes in by a device only', () => {
    const [action] = render([
      { do: 'rule.add', key: '4' },
      { do: 'rule.add', key: '4 vx-bridge' },
      { do: 'rule.delete', key: '4 vx-local handed-on' },
    ])
    assert(action && 'run' in action)
    assert.equal(
      action.run.stdin,
      [
        'rule add pref 30000 lookup 4876 protocol 76\n',
        'rule add pref 29999 iif vx-bridge lookup 4878 protocol 76\n',
        'rule delete pref 29999 iif vx-local fwmark 4096/4096 lookup 4879 protocol 76\n',
      ].join(''),
    )
  })

  it('starts a tunnel in user space before it is set up', () => {
    const [start, setUp] = render([{ do: 'link.add', link: tunnel }])
    assert.deepEqual(start, { startTunnel: 'kl-wireguard' })
    assert(setUp && 'run' in setUp && !setUp.run.stdin.includes('link add'))
    const [kernel] = render([{ do: 'link.add', link: { ...tunnel, kind: 'wireguard' } }])
    assert(
      kernel && 'run' in kernel && kernel.run.stdin.startsWith('link add name kl-wireguard mtu 1420 type wireguard\n'),
    )
  })

  it('replaces the table of nft at one go', () => {
    const [action] = render([{ do: 'nft.replace', table: 'table inet kosmos_link {\n}\n' }])
    assert(action && 'run' in action)
    const lines = ['add table inet kosmos_link', 'delete table inet kosmos_link', 'table inet kosmos_link {', '}', '']
    assert.deepEqual(action.run, { argv: ['nft', '-f', '-'], stdin: lines.join('\n') })
  })

  it('adds rules to chains of others at the end, or before what drops the rest, and takes them again', () => {
    const inward = { chain: { iptables: 'iptables' }, direction: 'i', dev: 'vx-bridge' } as const
    const outward = { chain: { iptables: 'ip6tables-legacy' }, direction: 'o', dev: 'vx-bridge' } as const
    const nft = {
      chain: { nft: { family: 'inet', table: 'fw', name: 'fwd' } },
      direction: 'i',
      dev: 'vx-local',
    } as const
    const actions = render([
      { do: 'forward.accept', forward: inward },
      { do: 'forward.accept', forward: { ...outward, at: 4 } },
      { do: 'forward.forget', forward: outward },
      { do: 'forward.accept', forward: nft },
      { do: 'forward.accept', forward: { ...nft, at: 7 } },
      { do: 'forward.forget', forward: { ...nft, at: 9 } },
    ])
    const match = '{"match":{"op":"==","left":{"meta":{"key":"iifname"}},"right":"vx-local"}}'
    const rule = `"family":"inet","table":"fw","chain":"fwd","comment":"kosmos.io","expr":[${match},{"accept":null}]`
    assert.deepEqual(
      actions.map((action) => 'run' in action && action.run.argv.join(' ')),
      [
        'iptables -w -A FORWARD -i vx-bridge -m comment --comment kosmos.io -j ACCEPT',
        'ip6tables-legacy -w -I FORWARD 4 -o vx-bridge -m comment --comment kosmos.io -j ACCEPT',
        'ip6tables-legacy -w -D FORWARD -o vx-bridge -m comment --comment kosmos.io -j ACCEPT',
        `nft -j {"nftables":[{"add":{"rule":{${rule}}}}]}`,
        `nft -j {"nftables":[{"insert":{"rule":{${rule},"handle":7}}}]}`,
        'nft -j {"nftables":[{"delete":{"rule":{"family":"inet","table":"fw","chain":"fwd","handle":9}}}]}',
      ],
    )
  })

  it('makes the interface for IPsec over no device, and starts strongSwan where that has one', () => {
    const ipsec: Link = { ...tunnel, name: 'ipsec0', kind: 'xfrm', mtu: 1400 }
    const [made] = render([{ do: 'link.add', link: ipsec }])
    assert(made && 'run' in made)
    assert.match(made.run.stdin, /^link add name ipsec0 mtu 1400 type xfrm dev lo if_id 4876\n/)
    const [first, second] = render([{ do: 'link.add', link: { ...ipsec, kind: 'libipsec' } }])
    assert.deepEqual(first, { startIpsec: 'libipsec' })
    assert(second && 'run' in second)
    assert.doesNotMatch(second.run.stdin, /link add/)
    assert.deepEqual(render([{ do: 'link.delete', name: 'ipsec0' }]), [{ removeIpsec: true }])
  })
})
