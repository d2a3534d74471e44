import type { Step } from './step.ts'

/** How often what was done, such as `link.add 1, route.replace 12`. */
export function summaryOf(steps: readonly Step[]): string {
  const kinds = Map.groupBy(steps, (step) => step.do)
  return [...kinds].map(([kind, { length }]) => `${kind} ${length}`).join(', ')
}
