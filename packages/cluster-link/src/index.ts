export { pairsOf } from './plan/pairs.ts'
export { planNode } from './plan/plan-node.ts'
