import {
  atomic,
  explicit,
  inside,
  int32,
  int64,
  intOrString,
  list,
  one,
  oneOf,
  packageOf,
  required,
  string,
} from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";

const { message } = packageOf("io.k8s.api.core.v1", "", "v1");

export const ExecAction = message("ExecAction", {
  command: list(1, string, atomic),
});
export interface ExecAction extends Infer<typeof ExecAction> {}

export const GRPCAction = message("GRPCAction", {
  port: required(int32(1)),
  service: string(2, explicit),
});
export interface GRPCAction extends Infer<typeof GRPCAction> {}

export const HTTPHeader = message("HTTPHeader", {
  name: required(string(1)),
  value: required(string(2)),
});
export interface HTTPHeader extends Infer<typeof HTTPHeader> {}

export const HTTPGetAction = message("HTTPGetAction", {
  path: string(1),
  port: required(intOrString(2)),
  host: string(3),
  scheme: oneOf(4, ["HTTP", "HTTPS"]),
  httpHeaders: list<HTTPHeader>(5, HTTPHeader, atomic),
});
export interface HTTPGetAction extends Infer<typeof HTTPGetAction> {}

export const SleepAction = message("SleepAction", {
  seconds: required(int64(1)),
});
export interface SleepAction extends Infer<typeof SleepAction> {}

export const TCPSocketAction = message("TCPSocketAction", {
  port: required(intOrString(1)),
  host: string(2),
});
export interface TCPSocketAction extends Infer<typeof TCPSocketAction> {}

export const LifecycleHandler = message("LifecycleHandler", {
  exec: one<ExecAction>(1, ExecAction),
  httpGet: one<HTTPGetAction>(2, HTTPGetAction),
  tcpSocket: one<TCPSocketAction>(3, TCPSocketAction),
  sleep: one<SleepAction>(4, SleepAction),
});
export interface LifecycleHandler extends Infer<typeof LifecycleHandler> {}

export const Lifecycle = message("Lifecycle", {
  postStart: one<LifecycleHandler>(1, LifecycleHandler),
  preStop: one<LifecycleHandler>(2, LifecycleHandler),
  stopSignal: string(3, explicit),
});
export interface Lifecycle extends Infer<typeof Lifecycle> {}

export const Probe = message(
  "Probe",
  {
    exec: one<ExecAction>(1, ExecAction, inside(1)),
    httpGet: one<HTTPGetAction>(2, HTTPGetAction, inside(1)),
    tcpSocket: one<TCPSocketAction>(3, TCPSocketAction, inside(1)),
    grpc: one<GRPCAction>(4, GRPCAction, inside(1)),
    initialDelaySeconds: int32(2),
    timeoutSeconds: int32(3),
    periodSeconds: int32(4),
    successThreshold: int32(5),
    failureThreshold: int32(6),
    terminationGracePeriodSeconds: int64(7, explicit),
  },
  { doc: "A check that a container is alive, ready or started." },
);
export interface Probe extends Infer<typeof Probe> {}
