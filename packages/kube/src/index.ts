export {
  Client,
  type DeleteOptions,
  type ListOptions,
  type Page,
  type PatchType,
  type WriteOptions,
} from './client/client.ts'
export { isGone, isOvertaken, type Outcome, type RefusalReason, refused, unwrap } from './client/outcome.ts'
export { type Credentials, credentialsRef, readCredentials } from './clusters/credentials.ts'
export { renewToken } from './clusters/renewal.ts'
export { clusters, type StoredCluster } from './clusters/resource.ts'
export { isRenewalDue, type TokenLife, tokenLife } from './clusters/token.ts'
export type { Breaker, BreakerOptions } from './connection/breaker.ts'
export {
  Connection,
  type ConnectionOptions,
  type OpenResponse,
  type Request,
  type RequestObservation,
} from './connection/connection.ts'
export {
  ApiError,
  ClusterUnreachable,
  isForbidden,
  RequestAborted,
  type Status,
  statusOf,
} from './connection/errors.ts'
export type { Response } from './connection/exchange.ts'
export {
  haveSameServer,
  KubeConfigError,
  type KubeConfigSource,
  kubeConfigFiles,
  loadKubeConfig,
} from './connection/kubeconfig.ts'
export { createTransport, type Transport, type TransportOptions } from './connection/transport.ts'
export { Controller, type ControllerOptions, type ReconcileObservation, type Requeue } from './controller/controller.ts'
export { EventBudget, type EventBudgetOptions } from './events/budget.ts'
export { type EventContent, type EventRef, eventRef } from './events/event.ts'
export { type EventCounters, EventRecorder, type EventRecorderOptions } from './events/recorder.ts'
export {
  expiryOf as leaseExpiry,
  type ObservedLease,
  observe as observeLease,
} from './leases/decide.ts'
export { LeaderElector, type LeaderElectorOptions } from './leases/elector.ts'
export { type Heartbeat, renewHeartbeat, startHeartbeat } from './leases/heartbeat.ts'
export { ShardLeases, type ShardLeasesOptions } from './leases/shards/shard-leases.ts'
export type { LeaseTiming } from './leases/timing.ts'
export { type Census, census, type ForeignObject } from './namespaces/census.ts'
export { describeObject } from './objects/describe.ts'
export { keyOf, type ObjectKey, type ObjectRef, refOf } from './objects/key.ts'
export { microTime } from './objects/micro-time.ts'
export * from './objects/resources.ts'
export { servedResource } from './objects/served.ts'
export { timestamp } from './objects/timestamp.ts'
export type * from './objects/types.ts'
export { parseQuantity, QuantityError } from './quantity/parse.ts'
export { isPodLevel } from './quantity/pod-aggregate.ts'
export { podLimits } from './quantity/pod-limits.ts'
export { podRequests } from './quantity/pod-requests.ts'
export { Quantity } from './quantity/quantity.ts'
export {
  addResources,
  equalResources,
  formatResources,
  parseResources,
  type ResourceList,
  subtractResources,
} from './quantity/resource-list.ts'
export type { QuantityFormat } from './quantity/suffix.ts'
export { type BackoffOptions, backoffMs } from './queue/backoff.ts'
export { WorkQueue, type WorkQueueOptions } from './queue/work-queue.ts'
export { Informer, type InformerOptions } from './reflector/informer.ts'
export { Reflector, type ReflectorOptions, type ReflectorSink, type ReflectorState } from './reflector/reflector.ts'
export {
  LabelSelector,
  type LabelSelectorSpec,
  labelSelector,
  type RequirementSpec,
} from './selectors/label-selector.ts'
export { NodeAffinity, type NodeAffinitySpec } from './selectors/node-affinity.ts'
export { type NodeLike, NodeSelector, type NodeSelectorTermSpec } from './selectors/node-selector.ts'
export { parseLabelSelector } from './selectors/parse-labels.ts'
export { type Labels, type Operator, type Requirement, requirement, SelectorError } from './selectors/requirement.ts'
export {
  type Taint,
  type Toleration,
  type TolerationOptions,
  toleratesTaint,
  untoleratedTaint,
} from './selectors/toleration.ts'
export { aborted } from './signals/aborted.ts'
export { type Change, type IndexFunction, Store, type StoreOptions } from './store/store.ts'
