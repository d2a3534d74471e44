/** What is wrong with an object, and where: `spec.clusterTreeOptions.leafModels[0].taints[1].effect`. */
export interface Problem {
  readonly path: string
  readonly message: string
}

const identifier = /^[A-Za-z_][A-Za-z0-9_]*$/

/** A field path as in the API server's messages: `spec.nodes[0].labels[example.org/zone]`. */
export function fieldPath(parent: string, step: string | number): string {
  if (typeof step === 'number' || !identifier.test(step)) return `${parent}[${step}]`
  return parent === '' ? step : `${parent}.${step}`
}
