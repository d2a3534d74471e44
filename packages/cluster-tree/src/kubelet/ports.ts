/** Ports for the kubelet API: one a virtual node, the lowest that is free in this process. */
export interface PortRange {
  take(nodeName: string): number
  release(nodeName: string): void
}

/** `first` 0 leaves the choice to the operating system. */
export function portRange(first: number): PortRange {
  const taken = new Map<string, number>()
  return {
    take(nodeName) {
      if (first === 0) return 0
      const used = new Set(taken.values())
      let port = first
      while (used.has(port)) port++
      taken.set(nodeName, port)
      return port
    },
    release: (nodeName) => void taken.delete(nodeName),
  }
}
