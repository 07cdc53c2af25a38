export { ApiError, isAlreadyExists, isConflict, isExpired, isNamespaceTerminating, isNotFound } from "./api-error.ts";
export type { BackoffOptions } from "./backoff.ts";
export { Backoff } from "./backoff.ts";
export type { ClientOptions, LogOptions } from "./client.ts";
export { Client } from "./client.ts";
export type { EventRecorderOptions } from "./event-recorder.ts";
export { EventRecorder, microTimestamp, referenceTo, timestamp } from "./event-recorder.ts";
export type { HttpClientOptions, Query, RequestOptions } from "./http-client.ts";
export { HttpClient } from "./http-client.ts";
export type { Handler, InformerOptions } from "./informer.ts";
export { Informer } from "./informer.ts";
export type { InformerFactoryOptions, Selection } from "./informer-factory.ts";
export { InformerFactory } from "./informer-factory.ts";
export type { Connection } from "./kubeconfig.ts";
export { loadKubeconfig } from "./kubeconfig.ts";
export type { KubernetesObject } from "./kubernetes-object.ts";
export type { LeaderElectionOptions } from "./leader-election.ts";
export { LeadershipLost, runLeaderElection } from "./leader-election.ts";
export { lines } from "./lines.ts";
export type { ObjectKey } from "./object-key.ts";
export { keyFor, keyOf, splitKey } from "./object-key.ts";
export { TokenBucket } from "./rate-limiter.ts";
export type { ReflectorOptions, ReflectorTarget } from "./reflector.ts";
export { reflect } from "./reflector.ts";
export type {
  CallOptions,
  DeleteOptions,
  GetOptions,
  ListOptions,
  ObjectList,
  PatchOptions,
  PatchType,
  Representation,
  SelectOptions,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from "./resource-client.ts";
export { ClusterResourceClient, ResourceClient } from "./resource-client.ts";
export type { ResourceDefinition } from "./resource-definition.ts";
export { apiVersionOf, resourcePath } from "./resource-definition.ts";
export { sleep } from "./sleep.ts";
export type { IndexFunction, Lister } from "./store.ts";
export { namespaceIndex, ownerUidIndex, Store } from "./store.ts";
export { systemClock, systemRandom } from "./system.ts";
export type { Transport, TransportRequest, TransportResponse } from "./transport.ts";
export { TransportError } from "./transport.ts";
export type { Requeue, WorkItem, WorkQueueOptions } from "./work-queue.ts";
export { WorkQueue } from "./work-queue.ts";
