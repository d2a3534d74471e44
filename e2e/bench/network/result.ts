import type { PlanFigures } from './plan.ts'
import type { Figures } from './throughput.ts'

interface Tunnel {
  /** The same kind of tunnel between the same namespaces, made by hand. */
  readonly plain: Figures
  readonly kosmos: Figures
  /** Throughput of kosmos ÷ plain. */
  readonly ratio: number
  readonly implementation: string
}

/** What `npm run bench -- network --json` prints: others read it, so its shape stays. */
export interface NetworkResult {
  readonly veth: Figures
  readonly vxlan: Tunnel
  readonly wireguard: Tunnel
  /** From the start of `kosmosctl join --link` of the second cluster to the first answer between pods. */
  readonly joinToPingSeconds: number
  readonly plan: PlanFigures
}

type Sides = Readonly<Record<'plain' | 'kosmos', Figures>>

export function networkResult(measured: {
  readonly vxlan: Sides & { readonly veth: Figures }
  readonly wireguard: Sides & { readonly implementation: string }
  readonly joinToPingSeconds: number
  readonly plan: PlanFigures
}): NetworkResult {
  const { vxlan, wireguard, joinToPingSeconds, plan } = measured
  return {
    veth: vxlan.veth,
    vxlan: tunnel(vxlan, 'kernel'),
    wireguard: tunnel(wireguard, wireguard.implementation),
    joinToPingSeconds,
    plan,
  }
}

const tunnel = ({ plain, kosmos }: Sides, implementation: string): Tunnel => ({
  plain,
  kosmos,
  ratio: kosmos.gbitPerSecond / plain.gbitPerSecond,
  implementation,
})

export function describeNetwork({ veth, vxlan, wireguard, joinToPingSeconds, plan }: NetworkResult): string {
  const line = (name: string, { gbitPerSecond, rttMs }: Figures) =>
    `${name.padEnd(20)} ${gbitPerSecond.toFixed(2).padStart(6)} Gbit/s ${rttMs.toFixed(3).padStart(8)} ms`
  return [
    line('veth', veth),
    line('vxlan, by hand', vxlan.plain),
    line('vxlan, kosmos', vxlan.kosmos),
    line('wireguard, by hand', wireguard.plain),
    line('wireguard, kosmos', wireguard.kosmos),
    `ratio of vxlan ${vxlan.ratio.toFixed(2)}, of wireguard (${wireguard.implementation}) ${wireguard.ratio.toFixed(2)}`,
    `from join to the first ping ${joinToPingSeconds.toFixed(1)} s`,
    `plan of ${plan.clusters} × ${plan.nodesPerCluster} nodes ${plan.fullPlanMs.toFixed(0)} ms, of one ${plan.oneNodeMs.toFixed(1)} ms`,
  ].join('\n')
}
