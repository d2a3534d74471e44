/** Methods that a row of the table may serve. */
type Method = 'GET' | 'POST' | 'PUT'

/** What a route does; the server has one handler for each, or answers 501. */
export type Action =
  | 'pods'
  | 'runningPods'
  | 'allocatedPods'
  | 'healthz'
  | 'configz'
  | 'flagz'
  | 'statusz'
  | 'stats'
  | 'metrics'
  | 'metricsCadvisor'
  | 'metricsResource'
  | 'metricsProbes'
  | 'metricsSlis'
  | 'nodeLogs'
  | 'checkpoint'
  | 'containerLogs'
  | 'exec'
  | 'attach'
  | 'portForward'
  | 'run'
  | 'debug'

export interface Route {
  /** Below the area's base, in find-my-way's syntax. */
  readonly below: string
  readonly methods: readonly Method[]
  readonly action: Action
}

/** A part of the URL space whose paths all demand the same rights. */
export interface Area {
  readonly base: string
  /** Subresources of `nodes`, tried in this order: the first that the caller may use suffices. */
  readonly subresources: readonly string[]
  /** Demands `create` whatever the method: a WebSocket opens with GET, but what follows it is no read. */
  readonly acts?: true
  readonly routes: readonly Route[]
}

const get = (action: Action, ...below: string[]): Route[] =>
  below.map((path) => ({ below: path, methods: ['GET'], action }))
const post = (action: Action, ...below: string[]): Route[] =>
  below.map((path) => ({ below: path, methods: ['POST'], action }))
const stream = (action: Action, ...below: string[]): Route[] =>
  below.map((path) => ({ below: path, methods: ['GET', 'POST'], action }))

const pod = '/:namespace/:pod'

/**
 * Every path of a kubelet 1.37 and the rights that it demands. An area is the paths below its base; the first that fits
 * counts; what fits none demands `proxy`. Follows pkg/kubelet/server/{server,auth}.go with KubeletFineGrainedAuthz.
 */
export const areas: readonly Area[] = [
  {
    base: '/allocatedPods',
    subresources: ['pods', 'proxy'],
    routes: get('allocatedPods', '', pod, `${pod}/:uid`),
  },
  { base: '/pods', subresources: ['pods', 'proxy'], routes: get('pods', '', '/') },
  { base: '/runningpods', subresources: ['pods', 'proxy'], routes: get('runningPods', '', '/') },
  {
    base: '/healthz',
    subresources: ['healthz', 'proxy'],
    routes: get('healthz', '', '/', '/ping', '/log', '/syncloop'),
  },
  { base: '/configz', subresources: ['configz', 'proxy'], routes: get('configz', '') },
  { base: '/flagz', subresources: ['configz'], routes: get('flagz', '') },
  { base: '/statusz', subresources: ['statusz'], routes: get('statusz', '') },
  { base: '/stats', subresources: ['stats'], routes: get('stats', '/', '/summary') },
  {
    base: '/metrics',
    subresources: ['metrics'],
    routes: [
      ...get('metrics', ''),
      ...get('metricsCadvisor', '/cadvisor'),
      ...get('metricsResource', '/resource'),
      ...get('metricsProbes', '/probes'),
      ...get('metricsSlis', '/slis'),
    ],
  },
  { base: '/logs', subresources: ['log'], routes: get('nodeLogs', '', '/', '/*') },
  { base: '/checkpoint', subresources: ['checkpoint'], routes: post('checkpoint', `${pod}/:container`) },
  { base: '/containerLogs', subresources: ['proxy'], routes: get('containerLogs', `${pod}/:container`) },
  {
    base: '/exec',
    subresources: ['proxy'],
    acts: true,
    routes: stream('exec', `${pod}/:container`, `${pod}/:uid/:container`),
  },
  {
    base: '/attach',
    subresources: ['proxy'],
    acts: true,
    routes: stream('attach', `${pod}/:container`, `${pod}/:uid/:container`),
  },
  { base: '/portForward', subresources: ['proxy'], acts: true, routes: stream('portForward', pod, `${pod}/:uid`) },
  {
    base: '/run',
    subresources: ['proxy'],
    acts: true,
    routes: post('run', `${pod}/:container`, `${pod}/:uid/:container`),
  },
  {
    base: '/debug',
    subresources: ['proxy'],
    routes: [...get('debug', '/pprof/', '/pprof/*'), { below: '/flags/v', methods: ['PUT'], action: 'debug' }],
  },
]
