import type { LinkNetwork } from '../../model/network.ts'

/** Tells which clusters may talk with others than when it was last asked. */
export class PolicyChanges {
  #before: ReadonlyMap<string, ReadonlySet<string>> = new Map()

  touched(network: LinkNetwork): string[] {
    const now = new Map([...network].map(([name, { strangers }]) => [name, new Set(strangers.keys())]))
    const none: ReadonlySet<string> = new Set()
    const touched = [...now].filter(([name, set]) => set.symmetricDifference(this.#before.get(name) ?? none).size > 0)
    this.#before = now
    return touched.map(([name]) => name)
  }
}
