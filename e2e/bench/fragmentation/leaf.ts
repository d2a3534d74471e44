import { freeRoom } from '@kosmos/cluster-tree'
import { type Node, parseResources } from '@kosmos/kube'
import { type Amounts, machinesOfLeaf, minus, nothing, plus } from './shapes.ts'
import { choice } from './stock-scheduler.ts'

interface Machine {
  readonly all: Amounts
  used: Amounts
}

/** A leaf with a scheduler of its own, and the virtual node that stands for it. */
export class Leaf {
  readonly name: string
  readonly all: Amounts = machinesOfLeaf.reduce(plus, nothing)
  readonly #machines: Machine[] = machinesOfLeaf.map((all) => ({ all, used: nothing }))
  readonly #on = new Map<string, { readonly machine: Machine; readonly asked: Amounts }>()

  constructor(name: string) {
    this.name = name
  }

  /** The leaf's scheduler looks for a machine; false: the pod is Pending. */
  start(pod: string, asked: Amounts): boolean {
    const machine = this.#machines[choice(this.#machines, asked) ?? -1]
    if (machine === undefined) return false
    machine.used = plus(machine.used, asked)
    this.#on.set(pod, { machine, asked })
    return true
  }

  end(pod: string): void {
    const found = this.#on.get(pod)
    if (found) found.machine.used = minus(found.machine.used, found.asked)
    this.#on.delete(pod)
  }

  get used(): Amounts {
    return this.#machines.reduce((sum, { used }) => plus(sum, used), nothing)
  }

  /** The virtual node as cluster-tree would publish it now. */
  node(): Node {
    const shapes = (amounts: readonly Amounts[]) =>
      JSON.stringify(
        freeRoom(
          amounts.map(({ cpu, memory, pods }) => parseResources({ cpu: `${cpu}m`, memory: `${memory}Mi`, pods })),
        ).shapes,
      )
    return {
      metadata: {
        name: this.name,
        uid: `uid-of-${this.name}`,
        resourceVersion: '1',
        labels: { 'kosmos.io/node': 'true', 'kosmos.io/cluster': this.name },
        annotations: {
          'kosmos.io/free-shapes': shapes(this.#machines.map(({ all, used }) => minus(all, used))),
          'kosmos.io/empty-shapes': shapes(machinesOfLeaf),
        },
      },
      status: { conditions: [{ type: 'Ready', status: 'True' }] },
    }
  }
}
