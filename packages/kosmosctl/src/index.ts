export { type JoinOptions, type JoinPlan, JoinRefused, type JoinResult, join, planJoin } from './join/join.ts'
export { Failure } from './terminal/failure.ts'
export { progressOn } from './terminal/live-progress.ts'
export { lines, type Progress, silent } from './terminal/progress.ts'
