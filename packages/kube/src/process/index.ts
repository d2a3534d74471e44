/** What a process of ours is made of: command line, log, leadership, probes and metrics. */
export { type ControllersContext, runControllers } from './controllers.ts'
export { type HttpOptions, type HttpServing, serveHttp } from './http.ts'
export { createLog, type Log, type LogFields, type LogLevel } from './log.ts'
export { runProcess } from './main.ts'
export { createProcessMetrics, type ProcessMetrics } from './metrics.ts'
export { addressOf, type CommonOptions, isPort, readCommandLine, usageOf } from './options.ts'
export { persist } from './persist.ts'
export { runTogether } from './run-together.ts'
