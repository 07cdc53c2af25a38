import type { Container, EnvVar, EphemeralContainer } from "../types/core/container.ts";
import type { Pod } from "../types/core/pod.ts";
import type { PodSpec } from "../types/core/pod-spec.ts";
import type { Lifecycle, Probe } from "../types/core/probe.ts";
import { followsLatest } from "./image.ts";
import { defaultVolume } from "./volume.ts";

/** Defaults of every pod spec, be it a pod's or a template's. */
export function defaultPodSpec(spec: PodSpec): void {
  spec.dnsPolicy ??= "ClusterFirst";
  spec.restartPolicy ??= "Always";
  spec.securityContext ??= {};
  spec.terminationGracePeriodSeconds ??= 30;
  spec.schedulerName ??= "default-scheduler";
  // serviceAccount is the field's name of before v1: both always say the same.
  spec.serviceAccountName ??= spec.serviceAccount;
  if (spec.serviceAccountName === undefined) delete spec.serviceAccountName;
  else spec.serviceAccount = spec.serviceAccountName;
  for (const volume of spec.volumes ?? []) defaultVolume(volume);
  for (const container of everyContainer(spec)) defaultContainer(container);
}

/** Defaults of pods only: in templates these fields stay as they are, so that what was applied and what is stored agree. */
export function defaultPod(pod: Pod): void {
  const { spec } = pod;
  defaultPodSpec(spec);
  spec.enableServiceLinks ??= true;
  for (const container of [...spec.containers, ...(spec.initContainers ?? [])]) {
    requestWhatIsLimited(container);
    if (spec.hostNetwork) for (const port of container.ports ?? []) port.hostPort ??= port.containerPort;
  }
}

type AnyContainer = Container | EphemeralContainer;

function everyContainer(spec: PodSpec): AnyContainer[] {
  return [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])];
}

/** A limit without a request asks for the whole limit. */
function requestWhatIsLimited(container: Container): void {
  const limits = container.resources?.limits;
  if (container.resources === undefined || limits === undefined) return;
  const requests = { ...limits, ...container.resources.requests };
  container.resources.requests = Object.fromEntries(Object.entries(requests).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function defaultContainer(container: AnyContainer): void {
  container.imagePullPolicy ??= followsLatest(container.image ?? "") ? "Always" : "IfNotPresent";
  container.terminationMessagePath ??= "/dev/termination-log";
  container.terminationMessagePolicy ??= "File";
  for (const port of container.ports ?? []) port.protocol ??= "TCP";
  for (const variable of container.env ?? []) defaultEnvVar(variable);
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) {
    if (probe !== undefined) defaultProbe(probe);
  }
  if (container.lifecycle !== undefined) defaultLifecycle(container.lifecycle);
}

function defaultEnvVar(variable: EnvVar): void {
  if (variable.valueFrom?.fieldRef !== undefined) variable.valueFrom.fieldRef.apiVersion ??= "v1";
}

function defaultProbe(probe: Probe): void {
  probe.timeoutSeconds ??= 1;
  probe.periodSeconds ??= 10;
  probe.successThreshold ??= 1;
  probe.failureThreshold ??= 3;
  if (probe.httpGet !== undefined) defaultHTTPGet(probe.httpGet);
  if (probe.grpc !== undefined) probe.grpc.service ??= "";
}

function defaultLifecycle({ postStart, preStop }: Lifecycle): void {
  for (const handler of [postStart, preStop]) if (handler?.httpGet !== undefined) defaultHTTPGet(handler.httpGet);
}

function defaultHTTPGet(action: NonNullable<Probe["httpGet"]>): void {
  action.path ??= "/";
  action.scheme ??= "HTTP";
}
