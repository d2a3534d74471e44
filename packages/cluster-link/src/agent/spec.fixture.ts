import type { LinkDevice, LinkRoute, NodeConfigSpec } from '@kosmos/api'
import fc from 'fast-check'
import { devices as known } from '../model/names.ts'

const one = <T>(...items: T[]) => fc.constantFrom(...items)
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record<T>(model, { noNullPrototype: true })
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })

const publicKeys = ['JRPbTpTn1nCvpIFZHJSX7kpZTzrELyGiJ1A9bdnSkhw=', '+MoEMEFkL9ZhJ625D6BFi0lZmrPhJ3MFakopTtIjTlk=']
const macs = ['02:00:00:00:00:11', '02:00:00:00:00:12', '02:00:00:00:00:13']

interface Kind {
  readonly device: fc.Arbitrary<LinkDevice>
  /** Other ends and their next hops. */
  readonly ends: readonly string[]
  readonly hops: readonly string[]
}

const vxlan = (name: string, id: number, port: number, locals: string[], addresses: string[], bindDev?: string) =>
  record<LinkDevice>({
    type: fc.constant('vxlan'),
    name: fc.constant(name),
    id: one(id, id + 100),
    port: fc.constant(port),
    local: one(...locals),
    bindDev: maybe(one(bindDev ?? '')),
    addr: maybe(one(...addresses.map((address) => `${address}/32`))),
    addr6: maybe(one(`fd22:${id}::1/128`, `fd22:${id}:0::9/128`)),
    mac: one('02:00:00:00:00:01', '02:00:00:00:00:02'),
    mtu: one(1280, 1400, 1450),
  }).map(defined)

const kinds: readonly Kind[] = [
  {
    device: vxlan(known.bridge.name, 54, 4876, ['192.0.2.1', '192.0.2.9'], ['220.0.2.1', '220.0.2.99'], 'eth0'),
    ends: ['192.0.2.2', '192.0.2.3', '192.0.2.4'],
    hops: ['220.0.2.2', '220.0.2.3', 'fd22:54::2', 'fd22:54::3'],
  },
  {
    device: vxlan(known.bridge6.name, 64, 4866, ['2001:db8::1'], ['219.0.2.1']),
    ends: ['2001:db8::2', '2001:DB8:0::3'],
    hops: ['219.0.2.2', 'fd22:64::2', 'fd22:64:0::3'],
  },
  {
    device: vxlan(known.local.name, 55, 4877, ['192.0.2.1'], ['210.0.2.1']),
    ends: ['192.0.2.2', '192.0.2.5'],
    hops: ['210.0.2.2', '210.0.2.5', 'fd22:55::2'],
  },
  {
    device: vxlan(known.secure.name, 56, 4878, ['240.0.2.1'], ['221.0.2.1']),
    ends: ['240.0.2.2', '240.0.2.3'],
    hops: ['221.0.2.2', '221.0.2.3'],
  },
]

const wireGuard = record<LinkDevice>({
  type: fc.constant('wireguard'),
  name: fc.constant(known.wireGuard.name),
  addr: fc.constant('240.0.2.1/32'),
  port: one(51_872, 51_873),
  mtu: one(1420, 1400),
})

/** NodeConfigs for a host that has 192.0.2.1, 192.0.2.9 and 2001:db8::1 on eth0. */
export const nodeConfigSpecs: fc.Arbitrary<NodeConfigSpec> = fc
  .tuple(fc.subarray([...kinds]), fc.boolean())
  .chain(([chosen, encrypts]) => {
    const all = [...chosen.map(({ device }) => device), ...(encrypts ? [wireGuard] : [])]
    return fc.tuple(...all).chain((devices) => parts(devices, chosen))
  })

function parts(devices: readonly LinkDevice[], chosen: readonly Kind[]): fc.Arbitrary<NodeConfigSpec> {
  const vxlans = devices.filter(({ type }) => type === 'vxlan')
  const entries = <T>(entry: (dev: string, kind: Kind) => fc.Arbitrary<T>) =>
    fc
      .tuple(...vxlans.map(({ name }, index) => fc.array(entry(name, chosen[index] as Kind), { maxLength: 4 })))
      .map((lists) => lists.flat())
  const networks = ['10.1.0.0/16', '10.2.0.0/16', '10.2.3.0/24', '10.4.5.6/32']
  const networks6 = ['fd01::/64', 'fd02:0:0::/48', 'fd02:0:0:7::/64']
  return record<NodeConfigSpec>({
    nodeName: fc.constant('n'),
    devices: fc.constant([...devices]),
    fdbs: entries((dev, { ends }) => record({ dev: fc.constant(dev), mac: one(...macs), ip: one(...ends) })).map(
      firstOf(({ dev, mac }) => `${dev} ${mac}`),
    ),
    arps: entries((dev, { hops }) => record({ dev: fc.constant(dev), mac: one(...macs), ip: one(...hops) })).map(
      firstOf(({ dev, ip }) => `${dev} ${ip}`),
    ),
    routes: entries((dev, { hops }) =>
      one(...hops).chain((gw) =>
        record<LinkRoute>({
          dev: fc.constant(dev),
          gw: fc.constant(gw),
          cidr: gw.includes(':') ? one(...networks6) : one(...networks),
          metric: maybe(one(0, 1, 2)),
        }).map(defined),
      ),
    ),
    inwardRoutes: vxlans.some(({ name }) => name === known.local.name)
      ? fc
          .uniqueArray(one('10.1.2.0/24', '10.1.3.0/24'), { maxLength: 2 })
          .map((cidrs) => cidrs.map((cidr) => ({ cidr, gw: '210.0.2.2', dev: known.local.name })))
      : fc.constant([]),
    detours: vxlans.some(({ name }) => name === known.local.name)
      ? fc
          .tuple(fc.subarray(['210.0.2.2', '210.0.2.5', 'fd22:55::2']), fc.boolean())
          .map(([gateways, takesHandedOn]) =>
            gateways.map((gw, metric) => ({ gw, dev: known.local.name, metric, takesHandedOn })),
          )
      : fc.constant([]),
    peers: devices.some(({ type }) => type === 'wireguard')
      ? fc.subarray(publicKeys).chain((keys) =>
          fc.tuple(
            ...keys.map((publicKey, index) =>
              record({
                dev: fc.constant(known.wireGuard.name),
                publicKey: fc.constant(publicKey),
                endpoint: one('192.0.2.2:51872', '[2001:db8:0::2]:51872'),
                allowedIPs: fc.constant<string[]>([`240.0.2.${index + 2}/32`]),
                keepaliveSeconds: one(25, 60),
              }),
            ),
          ),
        )
      : fc.constant([]),
    translations: fc
      .array(
        fc.oneof(
          record({
            local: one('10.8.0.0/16', '10.9.0.0/16'),
            global: one('100.64.0.0/16', '10.8.0.0/16'),
            kind: one('Pod' as const),
          }),
          record({ local: one('fd08::/64'), global: one('fd64::/64', 'fd08::/64'), kind: one('Pod' as const) }),
          record({
            local: one('10.96.0.0/12'),
            global: one('100.96.0.0/12', '10.96.0.0/12'),
            kind: one('Service' as const),
          }),
        ),
        { maxLength: 3 },
      )
      .map(firstOf(({ local }) => local))
      .map(firstOf(({ global }) => global)),
    nodeTranslations: fc
      .array(
        fc.oneof(
          record({ local: one('10.8.1.0/24'), global: one('100.64.1.0/24'), kind: one('Pod' as const) }),
          record({ local: one('fd08::1:0/112'), global: one('fd64::1:0/112'), kind: one('Pod' as const) }),
        ),
        { maxLength: 2 },
      )
      .map(firstOf(({ local }) => local)),
    masquerades: entries((dev) => record({ dev: fc.constant(dev), source: one('192.0.2.0/24', 'fd99::/64') })),
  })
}

/** An absent field, not one that is undefined, as in JSON. */
function defined<T extends object>(object: T): T {
  return JSON.parse(JSON.stringify(object, (_, value) => (value === '' ? undefined : value)))
}

function firstOf<T>(key: (item: T) => string): (items: readonly T[]) => T[] {
  return (items) => [...new Map(items.toReversed().map((item) => [key(item), item])).values()]
}
