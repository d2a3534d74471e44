import { desiredRoutes } from './desired-routes.ts'
import { diffRoutes } from './diff.ts'
import type { HeldKernel } from './held.ts'
import type { Step } from './step.ts'
import { writeKernel } from './write.ts'

/** Without reading: what others changed meanwhile is repaired because the kernel tells of it. */
export function reroute(held: HeldKernel, unreachable: () => ReadonlySet<string>): Promise<readonly Step[]> {
  const { shell, programs } = held
  return held.inTurn(async () => {
    const { last } = held
    if (!last) return []
    const { spec, hasIpv6, links, routes, ipsecs } = last
    const silent = unreachable()
    const next = desiredRoutes(spec, { hasIpv6, unreachable: silent, links })
    const steps = diffRoutes(routes, next)
    await writeKernel(shell, programs, steps)
    held.last = { ...last, routes: next }
    held.meanwhile?.push(...steps)
    if (silent.size > 0 && ipsecs.size > 0) programs.charon.keepUp([...ipsecs.values()])
    return steps
  })
}
