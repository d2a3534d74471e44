/** Places pods by policies, in front of the stock kube-scheduler. */
export { Scheduler, type SchedulerOptions } from './scheduler.ts'
