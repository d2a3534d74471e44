export {
  Client,
  type DeleteOptions,
  type ListOptions,
  type Page,
  type PatchType,
  type WriteOptions,
} from './client/client.ts'
export { type Outcome, type RefusalReason, unwrap } from './client/outcome.ts'
export { type Breaker, type BreakerOptions, createBreaker } from './connection/breaker.ts'
export {
  Connection,
  type ConnectionOptions,
  type Request,
  type RequestObservation,
  type Response,
} from './connection/connection.ts'
export { ApiError, ClusterUnreachable, RequestAborted, type Status } from './connection/errors.ts'
export {
  createTransport,
  KubeConfigError,
  type KubeConfigSource,
  loadKubeConfig,
  type Transport,
  type TransportOptions,
} from './connection/kubeconfig.ts'
export { keyOf, type ObjectKey, type ObjectRef, refOf } from './objects/key.ts'
export * from './objects/resources.ts'
export type * from './objects/types.ts'
