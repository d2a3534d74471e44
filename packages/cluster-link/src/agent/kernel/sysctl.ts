import { existsSync } from 'node:fs'

/** In a container /proc/sys cannot be written; the manifest of the agent mounts the part of it that is the network's. */
const mounted = '/host/proc/sys'

/** The file of a kernel setting that is to be written. `setting`: as `net/ipv4/conf/eth0/rp_filter`. */
export function sysctlFile(setting: string): string {
  return `${existsSync(`${mounted}/net`) ? mounted : '/proc/sys'}/${setting}`
}
