import type { Container, ContainerPort, VolumeMount } from "../../types/core/container.ts";
import type { PodSpec } from "../../types/core/pod-spec.ts";
import type { SecurityContext } from "../../types/core/security-context.ts";
import { validateOneOf } from "../common.ts";
import type { FieldErrors } from "../field-errors.ts";
import { inRange, isDNS1123Label, isPortName, isPortNumber } from "../formats.ts";
import { validateEnv, validateEnvFrom } from "./env.ts";
import { validateLifecycle, validateProbe } from "./probes.ts";
import { validateResources } from "./resources.ts";
import { validateLocalPath } from "./volumes.ts";

/** What containers share and must not clash over. */
interface Surroundings {
  readonly volumes: ReadonlySet<string>;
  readonly hostNetwork: boolean;
  /** Names of all containers met so far, init containers included. */
  readonly names: Set<string>;
}

export function validateContainers(
  spec: PodSpec,
  volumes: ReadonlySet<string>,
  field: string,
  errors: FieldErrors,
): void {
  const around = { volumes, hostNetwork: spec.hostNetwork ?? false, names: new Set<string>() };
  const containers = spec.containers ?? [];
  if (containers.length === 0) errors.required(`${field}.containers`);
  const hostPorts = new Set<string>();
  for (const [index, container] of containers.entries()) {
    const at = `${field}.containers[${index}]`;
    validateContainer(container, around, at, errors);
    validateHostPorts(container.ports ?? [], hostPorts, `${at}.ports`, errors);
    validateLifecycle(container.lifecycle, `${at}.lifecycle`, errors);
    validateProbes(container, at, errors);
    if (container.restartPolicy !== undefined) {
      errors.forbidden(`${at}.restartPolicy`, "may not be set for non-init containers");
    }
  }
  for (const [index, container] of (spec.initContainers ?? []).entries()) {
    validateInitContainer(container, around, `${field}.initContainers[${index}]`, errors);
  }
}

/** With restartPolicy Always it is a sidecar, and may be probed like any other container. */
function validateInitContainer(container: Container, around: Surroundings, at: string, errors: FieldErrors): void {
  validateContainer(container, around, at, errors);
  if (container.restartPolicy === "Always") {
    validateLifecycle(container.lifecycle, `${at}.lifecycle`, errors);
    validateProbes(container, at, errors);
    return;
  }
  if (container.restartPolicy !== undefined) {
    errors.notSupported(`${at}.restartPolicy`, container.restartPolicy, ["Always"]);
  }
  for (const name of ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] as const) {
    if (container[name] !== undefined) {
      errors.forbidden(`${at}.${name}`, "may not be set for init containers without restartPolicy=Always");
    }
  }
}

function validateProbes(container: Container, at: string, errors: FieldErrors): void {
  validateProbe(container.livenessProbe, { succeedsOnce: true }, `${at}.livenessProbe`, errors);
  validateProbe(container.readinessProbe, { succeedsOnce: false }, `${at}.readinessProbe`, errors);
  validateProbe(container.startupProbe, { succeedsOnce: true }, `${at}.startupProbe`, errors);
}

function validateContainer(container: Container, around: Surroundings, at: string, errors: FieldErrors): void {
  const { name, image = "" } = container;
  if (!name) errors.required(`${at}.name`);
  else errors.invalidEach(`${at}.name`, name, isDNS1123Label(name));
  if (name && around.names.has(name)) errors.duplicate(`${at}.name`, name);
  around.names.add(name);

  if (image === "") errors.required(`${at}.image`);
  else if (image.trim() !== image) errors.invalid(`${at}.image`, image, "must not have leading or trailing whitespace");
  validateOneOf(container.imagePullPolicy, ["Always", "IfNotPresent", "Never"], `${at}.imagePullPolicy`, errors);
  validateOneOf(
    container.terminationMessagePolicy,
    ["FallbackToLogsOnError", "File"],
    `${at}.terminationMessagePolicy`,
    errors,
  );
  validatePorts(container.ports ?? [], around.hostNetwork, `${at}.ports`, errors);
  validateEnv(container.env ?? [], `${at}.env`, errors);
  validateEnvFrom(container.envFrom ?? [], `${at}.envFrom`, errors);
  validateMounts(container.volumeMounts ?? [], around.volumes, `${at}.volumeMounts`, errors);
  validateResources(container.resources, `${at}.resources`, errors);
  validateSecurityContext(container.securityContext, `${at}.securityContext`, errors);
}

function validatePorts(
  ports: readonly ContainerPort[],
  hostNetwork: boolean,
  field: string,
  errors: FieldErrors,
): void {
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
    if (hostNetwork && port.hostPort && port.hostPort !== port.containerPort) {
      errors.invalid(`${at}.containerPort`, port.containerPort, "must match `hostPort` when `hostNetwork` is true");
    }
    validateOneOf(port.protocol, ["SCTP", "TCP", "UDP"], `${at}.protocol`, errors);
  }
}

function validateHostPorts(
  ports: readonly ContainerPort[],
  taken: Set<string>,
  field: string,
  errors: FieldErrors,
): void {
  for (const [index, { protocol, hostIP = "", hostPort }] of ports.entries()) {
    if (!hostPort) continue;
    const key = `${protocol}/${hostIP}/${hostPort}`;
    if (taken.has(key)) errors.duplicate(`${field}[${index}].hostPort`, key);
    taken.add(key);
  }
}

function validateMounts(
  mounts: readonly VolumeMount[],
  volumes: ReadonlySet<string>,
  field: string,
  errors: FieldErrors,
): void {
  const paths = new Set<string>();
  for (const [index, mount] of mounts.entries()) {
    const at = `${field}[${index}]`;
    if (!mount.name) errors.required(`${at}.name`);
    else if (!volumes.has(mount.name)) errors.notFound(`${at}.name`, mount.name);
    if (!mount.mountPath) errors.required(`${at}.mountPath`);
    if (paths.has(mount.mountPath)) errors.invalid(`${at}.mountPath`, mount.mountPath, "must be unique");
    paths.add(mount.mountPath);
    if (mount.subPath) validateLocalPath(mount.subPath, `${at}.subPath`, errors);
    if (mount.subPathExpr) validateLocalPath(mount.subPathExpr, `${at}.subPathExpr`, errors);
    if (mount.subPath && mount.subPathExpr) {
      errors.invalid(`${at}.subPathExpr`, mount.subPathExpr, "subPathExpr and subPath are mutually exclusive");
    }
  }
}

const maxId = 2 ** 31 - 1;

export function validateIds(
  context: Pick<SecurityContext, "runAsUser" | "runAsGroup"> & { fsGroup?: number },
  field: string,
  errors: FieldErrors,
): void {
  for (const name of ["runAsUser", "runAsGroup", "fsGroup"] as const) {
    const id = context[name];
    if (id !== undefined && (id < 0 || id > maxId)) errors.invalid(`${field}.${name}`, id, inRange(0, maxId));
  }
}

function validateSecurityContext(context: SecurityContext | undefined, field: string, errors: FieldErrors): void {
  if (context === undefined) return;
  validateIds(context, field, errors);
  if (context.allowPrivilegeEscalation === false) {
    const cannot = "cannot set `allowPrivilegeEscalation` to false and";
    if (context.privileged) errors.invalid(field, context, `${cannot} \`privileged\` to true`);
    if (context.capabilities?.add?.includes("CAP_SYS_ADMIN")) {
      errors.invalid(field, context, `${cannot} \`capabilities.Add\` CAP_SYS_ADMIN`);
    }
  }
}
