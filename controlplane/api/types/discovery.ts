import {
  always,
  atomic,
  boolean,
  explicit,
  given,
  int32,
  list,
  map,
  one,
  oneOf,
  packageOf,
  required,
  set,
  string,
} from "../schema/dsl.ts";
import type { Infer } from "../schema/field.ts";
import { ObjectReference } from "./core/reference.ts";
import { listOf } from "./meta/list.ts";
import { ObjectMeta } from "./meta/object-meta.ts";

const { kind, message } = packageOf("io.k8s.api.discovery.v1", "discovery.k8s.io", "v1");

export const EndpointConditions = message("EndpointConditions", {
  ready: boolean(1, explicit),
  serving: boolean(2, explicit),
  terminating: boolean(3, explicit),
});
export interface EndpointConditions extends Infer<typeof EndpointConditions> {}

export const ForNode = message("ForNode", {
  name: required(string(1)),
});
export interface ForNode extends Infer<typeof ForNode> {}

export const ForZone = message("ForZone", {
  name: required(string(1)),
});
export interface ForZone extends Infer<typeof ForZone> {}

export const EndpointHints = message("EndpointHints", {
  forZones: list<ForZone>(1, ForZone, atomic),
  forNodes: list<ForNode>(2, ForNode, atomic),
});
export interface EndpointHints extends Infer<typeof EndpointHints> {}

export const Endpoint = message("Endpoint", {
  addresses: required(list(1, string, set)),
  conditions: one<EndpointConditions>(2, EndpointConditions, always),
  hostname: string(3, explicit),
  targetRef: one<ObjectReference>(4, ObjectReference),
  deprecatedTopology: map(5, string),
  nodeName: string(6, explicit),
  zone: string(7, explicit),
  hints: one<EndpointHints>(8, EndpointHints),
});
export interface Endpoint extends Infer<typeof Endpoint> {}

export const EndpointPort = message(
  "EndpointPort",
  {
    name: string(1, explicit),
    protocol: oneOf(2, ["TCP", "UDP", "SCTP"], explicit),
    port: int32(3, explicit),
    appProtocol: string(4, explicit),
  },
  { atomic: true },
);
export interface EndpointPort extends Infer<typeof EndpointPort> {}

export const EndpointSlice = kind("EndpointSlice", "A part of the addresses behind a Service.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  addressType: required(oneOf(4, ["IPv4", "IPv6", "FQDN"])),
  endpoints: list<Endpoint>(2, Endpoint, atomic),
  ports: list<EndpointPort>(3, EndpointPort, atomic),
});
export interface EndpointSlice extends Infer<typeof EndpointSlice> {}

export const EndpointSliceList = listOf<EndpointSlice>(EndpointSlice);
export interface EndpointSliceList extends Infer<typeof EndpointSliceList> {}
