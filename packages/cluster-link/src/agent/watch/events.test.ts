import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { concernsUnderlay, concernsUs } from './events.ts'

const ours = new Set(['vx-bridge', 'kl-wireguard'])

const aboutUs = [
  'Deleted 4: vx-bridge: <BROADCAST,MULTICAST> mtu 1400 qdisc noop state DOWN group default \\    link/ether 02:00',
  '4: vx-bridge@NONE: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1400',
  '4: vx-bridge    inet 220.0.0.1/32 scope global vx-bridge\\       valid_lft forever',
  'Deleted 10.2.0.0/16 table 4876 proto 76 src 220.0.0.1 \\\tnexthop via 220.0.0.2 dev vx-bridge weight 1 onlink ',
  'Deleted unreachable 240.0.0.0/8 table 4876 proto 76 ',
  'Deleted 30000:\tfrom all lookup 4876 proto 76',
  'Deleted 10.2.0.0/16 via 210.0.0.2 dev vx-l table 4879 proto 76 onlink ',
  'Deleted 29999:\tfrom all iif vx-b lookup 4878 proto 76',
  '220.0.0.2 dev vx-bridge lladdr 02:00:00:00:00:02 PERMANENT ',
  'inet vx-bridge rp_filter strict ',
  'inet all forwarding off ',
  'netlink receive error No buffer space available (105)',
  'delete table inet kosmos_link',
  'add rule ip filter FORWARD counter packets 0 bytes 0 jump FLANNEL-FWD',
  'delete rule ip filter FORWARD handle 12',
  'add chain inet firewalld filter_FORWARD { type filter hook forward priority filter + 10; policy accept; }',
  'add rule inet kosmos_link input udp dport 4876 counter packets 0 bytes 0 drop',
]
const aboutUnderlay = [
  '2: eth0    inet 192.0.2.7/24 scope global eth0\\       valid_lft forever',
  'Deleted 2: eth0    inet 192.0.2.7/24 scope global eth0',
  '2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 9000 qdisc noqueue state UP group default',
  'default via 192.0.2.254 dev eth0 proto dhcp metric 100 ',
  'Deleted default via 192.0.2.254 dev eth0 ',
]
const aboutNeither = [
  '192.0.2.2 dev eth0 lladdr 02:00:00:00:00:02 REACHABLE ',
  '17: veth12ab@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 master cni0 state UP',
  'local 192.0.2.7 dev eth0 table local proto kernel scope host src 192.0.2.7 ',
  '10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink ',
  'add rule ip nat KUBE-SVC counter packets 0 bytes 0',
  '# new generation 2 by process 5110 (nft)',
]

describe('what the monitors tell', () => {
  for (const line of aboutUs) it(`is about us: ${line.slice(0, 60)}`, () => assert(concernsUs(line, ours)))
  for (const line of aboutUnderlay) {
    it(`is about the underlay: ${line.slice(0, 60)}`, () => {
      assert(!concernsUs(line, ours))
      assert(concernsUnderlay(line, ours))
    })
  }
  for (const line of aboutNeither) {
    it(`is not for us: ${line.slice(0, 60)}`, () => {
      assert(!concernsUs(line, ours))
      assert(!concernsUnderlay(line, ours))
    })
  }
})
