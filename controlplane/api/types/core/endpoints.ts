import {
  always,
  atomic,
  explicit,
  given,
  int32,
  list,
  one,
  oneOf,
  packageOf,
  required,
  string,
} from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";
import { listOf } from "../meta/list.ts";
import { ObjectMeta } from "../meta/object-meta.ts";
import { ObjectReference } from "./reference.ts";

const { kind, message } = packageOf("io.k8s.api.core.v1", "", "v1");

export const EndpointAddress = message(
  "EndpointAddress",
  {
    ip: required(string(1)),
    hostname: string(3),
    nodeName: string(4, explicit),
    targetRef: one<ObjectReference>(2, ObjectReference),
  },
  { atomic: true },
);
export interface EndpointAddress extends Infer<typeof EndpointAddress> {}

export const EndpointPort = message(
  "EndpointPort",
  {
    name: string(1),
    port: required(int32(2)),
    protocol: oneOf(3, ["TCP", "UDP", "SCTP"]),
    appProtocol: string(4, explicit),
  },
  { atomic: true },
);
export interface EndpointPort extends Infer<typeof EndpointPort> {}

export const EndpointSubset = message("EndpointSubset", {
  addresses: list<EndpointAddress>(1, EndpointAddress, atomic),
  notReadyAddresses: list<EndpointAddress>(2, EndpointAddress, atomic),
  ports: list<EndpointPort>(3, EndpointPort, atomic),
});
export interface EndpointSubset extends Infer<typeof EndpointSubset> {}

export const Endpoints = kind(
  "Endpoints",
  "The addresses behind a Service in a single object (EndpointSlice is its successor).",
  {
    metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
    subsets: list<EndpointSubset>(2, EndpointSubset, atomic),
  },
);
export interface Endpoints extends Infer<typeof Endpoints> {}

export const EndpointsList = listOf<Endpoints>(Endpoints);
export interface EndpointsList extends Infer<typeof EndpointsList> {}
