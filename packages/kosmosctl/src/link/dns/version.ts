/** From this on, CoreDNS knows the option `multicluster`; one before it does not start with it. */
export const leastVersion = '1.12.2'

/** The version that an image says it is; undefined: it does not say. Pure. */
export function versionOf(image: string): string | undefined {
  return /:v?(\d+\.\d+\.\d+)/.exec(image)?.[1]
}

export function isNewEnough(version: string): boolean {
  const [is, least] = [version, leastVersion].map((text) => text.split('.').map(Number)) as [number[], number[]]
  const index = least.findIndex((part, index) => part !== is[index])
  return index < 0 || (is[index] ?? 0) > (least[index] ?? 0)
}
