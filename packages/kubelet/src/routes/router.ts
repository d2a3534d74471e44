import type { ServerResponse } from 'node:http'
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import { send } from '../answer.ts'
import type { Log } from '../log.ts'
import type { KubeletMetrics } from '../metrics.ts'
import { type Action, type Area, areas, type Route } from './areas.ts'
import { checkpoint } from './checkpoint.ts'
import { configz } from './configz.ts'
import { containerLogs } from './container-logs.ts'
import type { RequestContext, RequestContexts } from './context.ts'
import { healthRoutes } from './healthz.ts'
import { metrics } from './metrics.ts'
import type { RouteParams } from './params.ts'
import { pods, runningPods } from './pods.ts'
import { portForward } from './port-forward.ts'
import { statsRoutes } from './stats.ts'
import { streams } from './streams.ts'
import { unserved } from './unserved.ts'
import { type Flags, zpages } from './zpages.ts'

/** Answers on `response` and resolves when that is over. */
type Handler = (
  params: RouteParams,
  query: URLSearchParams,
  response: ServerResponse,
  context: RequestContext,
) => Promise<void>

type Handlers = Readonly<Record<Exclude<Action, keyof typeof unserved>, Handler>>

const handlersWith = (flags: Flags): Handlers => ({
  ...healthRoutes(),
  ...statsRoutes(),
  ...zpages(flags),
  attach: streams('attach'),
  checkpoint,
  configz,
  containerLogs,
  exec: streams('exec'),
  metrics,
  pods,
  portForward,
  runningPods,
})

const isUnserved = (action: Action): action is keyof typeof unserved => Object.hasOwn(unserved, action)

const methods = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'] as const

declare module 'fastify' {
  interface FastifyContextConfig {
    area?: Area
  }
}

/**
 * The table of paths as a fastify application, one for all virtual nodes of a process: which node is asked, and by whom,
 * is in the request's context. Takes admitted requests only.
 */
export function createRouter(
  contexts: RequestContexts,
  metrics: KubeletMetrics,
  log: Log,
  flags: Flags,
): FastifyInstance {
  const handlers = handlersWith(flags)
  const app = fastify({
    logger: false,
    exposeHeadRoutes: false,
    // Names of Kubernetes are at most 253 characters, before their escapes are resolved.
    routerOptions: { maxParamLength: 1024 },
    frameworkErrors: (_error, _request, reply) =>
      void (reply as FastifyReply).code(400).type('text/plain').send('Bad Request'),
  })
  // No route takes a body.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
  app.setNotFoundHandler((_request, reply) => void reply.code(404).type('text/plain').send('404: Page Not Found'))
  app.setErrorHandler((error, request, reply) => {
    const node = contexts.get(request.raw)?.node.nodeName
    const message = error instanceof Error ? error.message : String(error)
    log({ level: 'error', event: 'request-failed', ...(node && { node }), error: message })
    void reply.code(500).type('text/plain').send('Internal Server Error')
  })
  for (const area of areas) {
    for (const route of area.routes) addRoute(app, area, route, handlers, contexts, metrics, log)
  }
  return app
}

function addRoute(
  app: FastifyInstance,
  area: Area,
  { below, methods: allowed, action }: Route,
  handlers: Handlers,
  contexts: RequestContexts,
  metrics: KubeletMetrics,
  log: Log,
): void {
  app.route({
    method: [...methods],
    url: area.base + below,
    config: { area },
    handler: async (request, reply) => {
      const context = contexts.get(request.raw)
      // The router must have understood the path as the door did: its rights are those of this area.
      const understood = context?.attributes.area === area
      // find-my-way takes nothing for a name; in the leaf, no container means its first.
      const named = !Object.values(request.params as RouteParams).includes('')
      if (!understood || !named) return reply.code(404).type('text/plain').send('404: Page Not Found')
      if (!allowed.some((method) => method === request.method)) {
        return reply.code(405).header('Allow', allowed.join(', ')).type('text/plain').send('Method Not Allowed')
      }
      if (isUnserved(action)) {
        return reply
          .code(501)
          .type('text/plain')
          .send(`the virtual node ${context.node.nodeName} does not serve ${area.base}${below}: ${unserved[action]}`)
      }
      const handler = handlers[action]
      reply.hijack()
      const open = metrics.openStreams.labels({ route: area.base })
      open.inc()
      try {
        const query = new URLSearchParams(request.raw.url?.replace(/^[^?]*\??/, '').replace(/#.*$/s, ''))
        await handler(request.params as RouteParams, query, reply.raw, context)
      } catch (error) {
        log({ level: 'error', event: 'request-failed', node: context.node.nodeName, error: String(error) })
        // What has begun cannot become an error any more, but it must not look complete.
        if (reply.raw.headersSent) reply.raw.destroy()
        else send(reply.raw, { code: 500, text: 'Internal Server Error' })
      } finally {
        open.dec()
      }
    },
  })
}
