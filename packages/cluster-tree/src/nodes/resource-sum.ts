import type { Quantity, ResourceList } from '@kosmos/kube'

/** The sum of many resource lists, kept while lists come, change and go. A resource is in it while any list has it. */
export class ResourceSum {
  readonly #entries = new Map<string, { quantity: Quantity; lists: number }>()

  add(list: ResourceList): void {
    for (const [name, quantity] of list) {
      const entry = this.#entries.get(name)
      if (entry === undefined) this.#entries.set(name, { quantity, lists: 1 })
      else this.#entries.set(name, { quantity: entry.quantity.add(quantity), lists: entry.lists + 1 })
    }
  }

  /** Takes back a list that was added. */
  subtract(list: ResourceList): void {
    for (const [name, quantity] of list) {
      const entry = this.#entries.get(name)
      if (entry === undefined) continue
      if (entry.lists === 1) this.#entries.delete(name)
      else this.#entries.set(name, { quantity: entry.quantity.sub(quantity), lists: entry.lists - 1 })
    }
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0
  }

  get(): ResourceList {
    return new Map([...this.#entries].map(([name, { quantity }]) => [name, quantity]))
  }
}
