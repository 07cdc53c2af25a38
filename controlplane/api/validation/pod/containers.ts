import type { Container, ContainerPort } from "../../types/core/container.ts";
import type { PodSpec } from "../../types/core/pod-spec.ts";
import type { FieldErrors } from "../field-errors.ts";
import { isDNS1123Label, isPortName, isPortNumber } from "../formats.ts";
import { validateChoice } from "./choice.ts";
import { validateEnv, validateEnvFrom } from "./env.ts";
import { validateMounts } from "./mounts.ts";
import { validateLifecycle, validateProbes } from "./probes.ts";
import { validateResizePolicy, validateResources } from "./resources.ts";
import { validateSecurityContext } from "./security.ts";
import type { Volumes } from "./volumes.ts";

/** What the containers of a pod have around them. */
export interface Surroundings {
  readonly spec: PodSpec;
  readonly volumes: Volumes;
  /** A pod's own spec, not a template's. */
  readonly isPod: boolean;
}

export function validateContainers(around: Surroundings, field: string, errors: FieldErrors): void {
  const { spec } = around;
  const containers = spec.containers ?? [];
  if (containers.length === 0) errors.required(`${field}.containers`);
  const names = new Set<string>();
  for (const [index, container] of containers.entries()) {
    const at = `${field}.containers[${index}]`;
    validateContainer(container, around, at, errors);
    if (names.has(container.name)) errors.duplicate(`${at}.name`, container.name);
    names.add(container.name);
    validateLifecycle(container.lifecycle, spec.terminationGracePeriodSeconds, `${at}.lifecycle`, errors);
    validateProbes(container, spec.terminationGracePeriodSeconds, at, errors);
    if (container.restartPolicy !== undefined) {
      errors.forbidden(`${at}.restartPolicy`, "may not be set for non-init containers");
    }
  }
  validateHostPorts(containers, `${field}.containers`, errors);
  for (const [index, container] of (spec.initContainers ?? []).entries()) {
    const at = `${field}.initContainers[${index}]`;
    validateContainer(container, around, at, errors);
    validateInitContainer(container, spec, at, errors);
    if (names.has(container.name)) errors.duplicate(`${at}.name`, container.name);
    names.add(container.name);
    // They run one by one, so that their ports never meet.
    validateHostPorts([container], `${field}.initContainers`, errors);
  }
  if (spec.hostNetwork) validateHostNetworkPorts(around, `${field}.containers`, errors);
}

/** With restartPolicy Always it is a sidecar, and may be probed like any other container. */
function validateInitContainer(container: Container, spec: PodSpec, at: string, errors: FieldErrors): void {
  const { restartPolicy } = container;
  if (restartPolicy === "Always") {
    validateLifecycle(container.lifecycle, spec.terminationGracePeriodSeconds, `${at}.lifecycle`, errors);
    validateProbes(container, spec.terminationGracePeriodSeconds, at, errors);
    return;
  }
  if (restartPolicy !== undefined) errors.notSupported(`${at}.restartPolicy`, restartPolicy, ["Always"]);
  for (const name of ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] as const) {
    if (container[name] !== undefined) {
      errors.forbidden(`${at}.${name}`, "may not be set for init containers without restartPolicy=Always");
    }
  }
}

/** What holds for containers of every sort. */
export function validateContainer(
  container: Container,
  { spec, volumes, isPod }: Surroundings,
  at: string,
  errors: FieldErrors,
): void {
  const { name, image = "" } = container;
  if (!name) errors.required(`${at}.name`);
  else errors.invalidEach(`${at}.name`, name, isDNS1123Label(name));
  if (image === "") errors.required(`${at}.image`);
  else if (isPod) validateImagePadding(image, `${at}.image`, errors);
  const messages = ["File", "FallbackToLogsOnError"];
  validateChoice(container.terminationMessagePolicy, messages, `${at}.terminationMessagePolicy`, errors);
  validatePorts(container.ports ?? [], `${at}.ports`, errors);
  validateEnv(container.env ?? [], `${at}.env`, errors);
  validateEnvFrom(container.envFrom ?? [], `${at}.envFrom`, errors);
  validateMounts(container, volumes, at, errors);
  validateChoice(container.imagePullPolicy, ["Always", "IfNotPresent", "Never"], `${at}.imagePullPolicy`, errors);
  validateResources(container.resources, spec.resourceClaims ?? [], `${at}.resources`, errors);
  validateResizePolicy(container.resizePolicy ?? [], spec.restartPolicy, `${at}.resizePolicy`, errors);
  validateSecurityContext(container.securityContext, spec, `${at}.securityContext`, errors);
}

export function validateImagePadding(image: string, field: string, errors: FieldErrors): void {
  if (image.trim() !== image) errors.invalid(field, image, "must not have leading or trailing whitespace");
}

function validatePorts(ports: readonly ContainerPort[], field: string, errors: FieldErrors): void {
  const names = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const at = `${field}[${index}]`;
    if (port.name) {
      const complaints = isPortName(port.name);
      errors.invalidEach(`${at}.name`, port.name, complaints);
      if (complaints.length === 0 && names.has(port.name)) errors.duplicate(`${at}.name`, port.name);
      names.add(port.name);
    }
    if (!port.containerPort) errors.required(`${at}.containerPort`);
    else errors.invalidEach(`${at}.containerPort`, port.containerPort, isPortNumber(port.containerPort));
    if (port.hostPort) errors.invalidEach(`${at}.hostPort`, port.hostPort, isPortNumber(port.hostPort));
    validateChoice(port.protocol, ["SCTP", "TCP", "UDP"], `${at}.protocol`, errors);
  }
}

function validateHostPorts(containers: readonly Container[], field: string, errors: FieldErrors): void {
  const taken = new Set<string>();
  for (const [index, { ports = [] }] of containers.entries()) {
    for (const [i, { protocol, hostIP = "", hostPort }] of ports.entries()) {
      if (!hostPort) continue;
      const key = `${protocol}/${hostIP}/${hostPort}`;
      if (taken.has(key)) errors.duplicate(`${field}[${index}].ports[${i}].hostPort`, key);
      taken.add(key);
    }
  }
}

/** On the host's network a port is the host's port. Templates may leave that to the pods made from them. */
function validateHostNetworkPorts({ spec, isPod }: Surroundings, field: string, errors: FieldErrors): void {
  for (const [index, { ports = [] }] of (spec.containers ?? []).entries()) {
    for (const [i, { hostPort = 0, containerPort }] of ports.entries()) {
      if ((isPod || hostPort !== 0) && hostPort !== containerPort) {
        const rule = "must match `containerPort` when `hostNetwork` is true";
        errors.invalid(`${field}[${index}].ports[${i}].hostPort`, hostPort, rule);
      }
    }
  }
}
