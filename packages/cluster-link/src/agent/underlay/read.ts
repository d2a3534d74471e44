import type { UnderlayStatus } from '@kosmos/api'
import { CommandFailed, type Shell } from '../shell/shell.ts'
import { chooseUnderlay, type ShownInterface, type ShownRoute } from './choose.ts'
import type { Autodetection } from './method.ts'

/** @param inUse addresses that tunnels start from now */
export async function readUnderlay(
  shell: Shell,
  method: Autodetection,
  inUse: ReadonlySet<string>,
): Promise<UnderlayStatus | undefined> {
  const [interfaces, ipv4, ipv6, [routeTo] = []] = await Promise.all([
    list<ShownInterface>(shell, ['ip', '-json', 'address', 'show']),
    list<ShownRoute>(shell, ['ip', '-json', '-4', 'route', 'show', 'default']),
    list<ShownRoute>(shell, ['ip', '-json', '-6', 'route', 'show', 'default']),
    method.method === 'can-reach' ? list<ShownRoute>(shell, ['ip', '-json', 'route', 'get', method.address]) : [],
  ])
  const defaultRoutes = [...ipv4, ...ipv6]
  return chooseUnderlay(method, { interfaces, defaultRoutes, inUse, ...(routeTo && { routeTo }) })
}

async function list<T>(shell: Shell, argv: readonly string[]): Promise<readonly T[]> {
  try {
    return JSON.parse((await shell.run(argv)) || '[]')
  } catch (error) {
    // No way to the address, or no such family.
    if (error instanceof CommandFailed) return []
    throw error
  }
}
