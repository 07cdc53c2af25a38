import {
  always,
  atomic,
  boolean,
  defaultsTo,
  doc,
  explicit,
  inside,
  int32,
  keyed,
  list,
  mergeBy,
  one,
  oneOf,
  packageOf,
  required,
  set,
  string,
} from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";
import { Lifecycle, Probe } from "./probe.ts";
import {
  ConfigMapKeySelector,
  FileKeySelector,
  ObjectFieldSelector,
  ResourceFieldSelector,
  SecretKeySelector,
} from "./reference.ts";
import { ContainerResizePolicy, ResourceRequirements } from "./resource.ts";
import { SecurityContext } from "./security-context.ts";

const { message } = packageOf("io.k8s.api.core.v1", "", "v1");

export const ConfigMapEnvSource = message("ConfigMapEnvSource", {
  name: string(1, inside(1)),
  optional: boolean(2, explicit),
});
export interface ConfigMapEnvSource extends Infer<typeof ConfigMapEnvSource> {}

export const ContainerPort = message("ContainerPort", {
  name: string(1),
  hostPort: int32(2),
  containerPort: required(int32(3)),
  protocol: oneOf(4, ["TCP", "UDP", "SCTP"], defaultsTo("TCP")),
  hostIP: string(5),
});
export interface ContainerPort extends Infer<typeof ContainerPort> {}

export const ContainerRestartRuleOnExitCodes = message("ContainerRestartRuleOnExitCodes", {
  operator: required(string(1)),
  values: list(2, int32, set),
});
export interface ContainerRestartRuleOnExitCodes extends Infer<typeof ContainerRestartRuleOnExitCodes> {}

export const ContainerRestartRule = message("ContainerRestartRule", {
  action: required(string(1)),
  exitCodes: one<ContainerRestartRuleOnExitCodes>(2, ContainerRestartRuleOnExitCodes),
});
export interface ContainerRestartRule extends Infer<typeof ContainerRestartRule> {}

export const SecretEnvSource = message("SecretEnvSource", {
  name: string(1, inside(1)),
  optional: boolean(2, explicit),
});
export interface SecretEnvSource extends Infer<typeof SecretEnvSource> {}

export const EnvFromSource = message("EnvFromSource", {
  prefix: string(1),
  configMapRef: one<ConfigMapEnvSource>(2, ConfigMapEnvSource),
  secretRef: one<SecretEnvSource>(3, SecretEnvSource),
});
export interface EnvFromSource extends Infer<typeof EnvFromSource> {}

export const EnvVarSource = message("EnvVarSource", {
  fieldRef: one<ObjectFieldSelector>(1, ObjectFieldSelector),
  resourceFieldRef: one<ResourceFieldSelector>(2, ResourceFieldSelector),
  configMapKeyRef: one<ConfigMapKeySelector>(3, ConfigMapKeySelector),
  secretKeyRef: one<SecretKeySelector>(4, SecretKeySelector),
  fileKeyRef: one<FileKeySelector>(5, FileKeySelector),
});
export interface EnvVarSource extends Infer<typeof EnvVarSource> {}

export const EnvVar = message("EnvVar", {
  name: required(string(1)),
  value: string(2),
  valueFrom: one<EnvVarSource>(3, EnvVarSource),
});
export interface EnvVar extends Infer<typeof EnvVar> {}

export const VolumeDevice = message("VolumeDevice", {
  name: required(string(1)),
  devicePath: required(string(2)),
});
export interface VolumeDevice extends Infer<typeof VolumeDevice> {}

export const VolumeMount = message("VolumeMount", {
  name: required(string(1)),
  readOnly: boolean(2),
  recursiveReadOnly: string(7, explicit),
  mountPath: required(string(3)),
  subPath: string(4),
  mountPropagation: oneOf(5, ["None", "HostToContainer", "Bidirectional"], explicit),
  subPathExpr: string(6),
});
export interface VolumeMount extends Infer<typeof VolumeMount> {}

export const Container = message(
  "Container",
  {
    name: required(string(1, doc("Unique within the pod. It cannot be changed."))),
    image: string(2, doc("The image to run.")),
    command: list(3, string, atomic, doc("Replaces the image's entry point.")),
    args: list(4, string, atomic, doc("Arguments of the command.")),
    workingDir: string(5),
    ports: list<ContainerPort>(
      6,
      ContainerPort,
      keyed("containerPort", "protocol"),
      mergeBy("containerPort"),
      doc("Ports the container listens on."),
    ),
    envFrom: list<EnvFromSource>(19, EnvFromSource, atomic),
    env: list<EnvVar>(7, EnvVar, keyed("name"), mergeBy("name"), doc("Environment variables.")),
    resources: one<ResourceRequirements>(
      8,
      ResourceRequirements,
      always,
      doc("Resources the container asks for and is limited to."),
    ),
    resizePolicy: list<ContainerResizePolicy>(23, ContainerResizePolicy, atomic),
    restartPolicy: string(24, explicit),
    restartPolicyRules: list<ContainerRestartRule>(25, ContainerRestartRule, atomic),
    volumeMounts: list<VolumeMount>(
      9,
      VolumeMount,
      keyed("mountPath"),
      mergeBy("mountPath"),
      doc("Where volumes appear in the container."),
    ),
    volumeDevices: list<VolumeDevice>(21, VolumeDevice, keyed("devicePath"), mergeBy("devicePath")),
    livenessProbe: one<Probe>(10, Probe, doc("The container is restarted when this check fails.")),
    readinessProbe: one<Probe>(11, Probe, doc("The pod receives traffic only while this check succeeds.")),
    startupProbe: one<Probe>(22, Probe, doc("The other checks wait until this one has succeeded.")),
    lifecycle: one<Lifecycle>(12, Lifecycle),
    terminationMessagePath: string(13),
    terminationMessagePolicy: oneOf(20, ["File", "FallbackToLogsOnError"]),
    imagePullPolicy: oneOf(14, ["Always", "IfNotPresent", "Never"]),
    securityContext: one<SecurityContext>(15, SecurityContext),
    stdin: boolean(16),
    stdinOnce: boolean(17),
    tty: boolean(18),
  },
  { doc: "A program to run in a pod." },
);
export interface Container extends Infer<typeof Container> {}

export const ContainerExtendedResourceRequest = message("ContainerExtendedResourceRequest", {
  containerName: required(string(1)),
  resourceName: required(string(2)),
  requestName: required(string(3)),
});
export interface ContainerExtendedResourceRequest extends Infer<typeof ContainerExtendedResourceRequest> {}

export const EphemeralContainer = message("EphemeralContainer", {
  name: required(string(1, inside(1))),
  image: string(2, inside(1)),
  command: list(3, string, atomic, inside(1)),
  args: list(4, string, atomic, inside(1)),
  workingDir: string(5, inside(1)),
  ports: list<ContainerPort>(6, ContainerPort, keyed("containerPort", "protocol"), mergeBy("containerPort"), inside(1)),
  envFrom: list<EnvFromSource>(19, EnvFromSource, atomic, inside(1)),
  env: list<EnvVar>(7, EnvVar, keyed("name"), mergeBy("name"), inside(1)),
  resources: one<ResourceRequirements>(8, ResourceRequirements, always, inside(1)),
  resizePolicy: list<ContainerResizePolicy>(23, ContainerResizePolicy, atomic, inside(1)),
  restartPolicy: string(24, explicit, inside(1)),
  restartPolicyRules: list<ContainerRestartRule>(25, ContainerRestartRule, atomic, inside(1)),
  volumeMounts: list<VolumeMount>(9, VolumeMount, keyed("mountPath"), mergeBy("mountPath"), inside(1)),
  volumeDevices: list<VolumeDevice>(21, VolumeDevice, keyed("devicePath"), mergeBy("devicePath"), inside(1)),
  livenessProbe: one<Probe>(10, Probe, inside(1)),
  readinessProbe: one<Probe>(11, Probe, inside(1)),
  startupProbe: one<Probe>(22, Probe, inside(1)),
  lifecycle: one<Lifecycle>(12, Lifecycle, inside(1)),
  terminationMessagePath: string(13, inside(1)),
  terminationMessagePolicy: oneOf(20, ["File", "FallbackToLogsOnError"], inside(1)),
  imagePullPolicy: oneOf(14, ["Always", "IfNotPresent", "Never"], inside(1)),
  securityContext: one<SecurityContext>(15, SecurityContext, inside(1)),
  stdin: boolean(16, inside(1)),
  stdinOnce: boolean(17, inside(1)),
  tty: boolean(18, inside(1)),
  targetContainerName: string(2),
});
export interface EphemeralContainer extends Infer<typeof EphemeralContainer> {}
