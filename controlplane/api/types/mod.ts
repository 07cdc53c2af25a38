// Every message is a schema value and a TypeScript type of the same name. Names that exist in several groups carry their
// group's name here, except in the core group.
export * from "./apidiscovery.ts";
export * from "./apps/controller-revision.ts";
export * from "./apps/daemon-set.ts";
export * from "./apps/deployment.ts";
export * from "./apps/replica-set.ts";
export * from "./apps/stateful-set.ts";
export * from "./authentication.ts";
export * from "./authorization.ts";
export * from "./autoscaling/scale.ts";
export {
  HorizontalPodAutoscaler as HorizontalPodAutoscalerV1,
  HorizontalPodAutoscalerList as HorizontalPodAutoscalerV1List,
  HorizontalPodAutoscalerSpec as HorizontalPodAutoscalerV1Spec,
  HorizontalPodAutoscalerStatus as HorizontalPodAutoscalerV1Status,
} from "./autoscaling/v1.ts";
export * from "./autoscaling/v2.ts";
export * from "./batch/cron-job.ts";
export * from "./batch/job.ts";
export * from "./certificates.ts";
export * from "./coordination.ts";
export * from "./core/affinity.ts";
export * from "./core/binding.ts";
export * from "./core/component-status.ts";
export * from "./core/config.ts";
export * from "./core/container.ts";
export * from "./core/container-status.ts";
export * from "./core/endpoints.ts";
export * from "./core/event.ts";
export * from "./core/namespace.ts";
export * from "./core/node.ts";
export * from "./core/persistent-volume.ts";
export * from "./core/persistent-volume-claim.ts";
export * from "./core/pod.ts";
export * from "./core/pod-spec.ts";
export * from "./core/pod-status.ts";
export * from "./core/pod-template.ts";
export * from "./core/probe.ts";
export * from "./core/quota.ts";
export * from "./core/reference.ts";
export * from "./core/replication-controller.ts";
export * from "./core/resource.ts";
export * from "./core/security-context.ts";
export * from "./core/selector.ts";
export * from "./core/service.ts";
export * from "./core/service-account.ts";
export * from "./core/volume.ts";
export {
  Endpoint,
  EndpointConditions,
  EndpointHints,
  EndpointPort as DiscoveryEndpointPort,
  EndpointSlice,
  EndpointSliceList,
  ForNode,
  ForZone,
} from "./discovery.ts";
export { Event as EventsEvent, EventList as EventsEventList, EventSeries as EventsEventSeries } from "./events.ts";
export * from "./meta/condition.ts";
export * from "./meta/discovery.ts";
export type { ListOf } from "./meta/list.ts";
export * from "./meta/object-meta.ts";
export * from "./meta/options.ts";
export * from "./meta/selector.ts";
export * from "./meta/status.ts";
export * from "./meta/table.ts";
export * from "./meta/watch-event.ts";
export * from "./metrics.ts";
export * from "./networking/ingress.ts";
export * from "./networking/ingress-class.ts";
export * from "./networking/network-policy.ts";
export * from "./networking/service-cidr.ts";
export * from "./node.ts";
export * from "./policy.ts";
export * from "./rbac.ts";
export * from "./scheduling.ts";
export * from "./storage/csi.ts";
export * from "./storage/storage-class.ts";
export * from "./storage/volume-attachment.ts";
export * from "./storage/volume-attributes-class.ts";
