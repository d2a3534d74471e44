import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Registry } from 'prom-client'
import { plainSpec } from '../node-config.fixture.ts'
import type { Figures } from './figures.ts'
import { registerLinkMetrics, type Scraped } from './register.ts'

const figures: Figures = {
  devices: [
    {
      device: 'vx-bridge',
      counts: {
        receive: { bytes: 100, packets: 2, drops: 1, errors: 0 },
        transmit: { bytes: 300, packets: 4, drops: 0, errors: 5 },
      },
    },
  ],
  tunnels: [{ device: 'vx-bridge', end: '192.0.2.2', direction: 'receive', bytes: 200, packets: 2 }],
  handshakes: [{ device: 'kl-wireguard', end: '240.0.2.2', at: 1_796_000_000 }],
  drops: new Map([['unknown-peer', 3]]),
  read: new Map([
    ['devices', true],
    ['firewall', false],
  ]),
}
const reachability = { isReachable: false, since: 0, roundTripMicroseconds: 1_500, lossPercent: 20 }
const scraped: Scraped = {
  spec: plainSpec({ number: 1 }, [{ number: 2 }]),
  report: { applied: { reason: 'ApplyFailed' }, nextHops: [{ address: '220.0.2.2', reachability }] },
  figures,
}

function registered(scrape: () => Promise<Scraped>): Registry {
  const registry = new Registry()
  registerLinkMetrics(registry, scrape)
  return registry
}
const samples = (text: string) => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))

describe('the metrics of an agent', () => {
  it('have what was counted, by tunnel and next hop', async () => {
    const text = await registered(async () => scraped).metrics()
    for (const line of [
      'kosmos_link_device_bytes_total{device="vx-bridge",direction="receive"} 100',
      'kosmos_link_device_drops_total{device="vx-bridge",direction="receive"} 1',
      'kosmos_link_device_errors_total{device="vx-bridge",direction="transmit"} 5',
      'kosmos_link_tunnel_packets_total{device="vx-bridge",end="192.0.2.2",direction="receive"} 2',
      'kosmos_link_tunnel_handshake_timestamp_seconds{device="kl-wireguard",end="240.0.2.2"} 1796000000',
      'kosmos_link_next_hop_reachable{device="vx-bridge",end="192.0.2.2",next_hop="220.0.2.2"} 0',
      'kosmos_link_next_hop_round_trip_seconds{device="vx-bridge",end="192.0.2.2",next_hop="220.0.2.2"} 0.0015',
      'kosmos_link_next_hop_loss_ratio{device="vx-bridge",end="192.0.2.2",next_hop="220.0.2.2"} 0.2',
      'kosmos_link_firewall_dropped_packets_total{reason="unknown-peer"} 3',
      'kosmos_link_applied{reason="ApplyFailed"} 0',
      'kosmos_link_figures_read{source="firewall"} 0',
    ]) {
      assert.ok(samples(text).includes(line), `${line}\nis not in\n${text}`)
    }
  })

  it('say what is there now, not what was there before', async () => {
    let current = scraped
    const registry = registered(async () => current)
    await registry.metrics()
    const nothing = { devices: [], tunnels: [], handshakes: [], drops: new Map(), read: new Map() }
    current = { spec: { nodeName: 'n' }, report: { nextHops: [] }, figures: nothing }
    assert.deepEqual(samples(await registry.metrics()), [])
  })

  it('are read once for all of them, and not before somebody asks', async () => {
    let reads = 0
    const registry = registered(async () => {
      reads++
      return scraped
    })
    assert.equal(reads, 0)
    await Promise.all([registry.metrics(), registry.metrics()])
    assert.equal(reads, 1)
    await registry.metrics()
    assert.equal(reads, 2)
  })
})
