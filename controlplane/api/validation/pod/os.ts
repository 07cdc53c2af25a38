import type { PodSpec } from "../../types/core/pod-spec.ts";
import type { PodSecurityContext, SecurityContext } from "../../types/core/security-context.ts";
import type { FieldErrors } from "../field-errors.ts";

const linuxOnlyOfPods = [
  "appArmorProfile",
  "seLinuxOptions",
  "seccompProfile",
  "fsGroup",
  "fsGroupChangePolicy",
  "sysctls",
  "runAsUser",
  "runAsGroup",
  "supplementalGroups",
  "supplementalGroupsPolicy",
  "seLinuxChangePolicy",
] as const satisfies readonly (keyof PodSecurityContext)[];

const linuxOnlyOfContainers = [
  "appArmorProfile",
  "seLinuxOptions",
  "seccompProfile",
  "capabilities",
  "readOnlyRootFilesystem",
  "privileged",
  "allowPrivilegeEscalation",
  "procMount",
  "runAsUser",
  "runAsGroup",
] as const satisfies readonly (keyof SecurityContext)[];

/** A pod that names its operating system must not ask for what only the other one has. */
export function validateOS(spec: PodSpec, field: string, errors: FieldErrors): void {
  if (spec.os === undefined) return;
  const { name } = spec.os;
  if (!name) {
    errors.required(`${field}.os.name`, "cannot be empty");
    return;
  }
  if (name !== "linux" && name !== "windows") {
    errors.notSupported(`${field}.os`, name, ["linux", "windows"]);
    return;
  }
  const containers = (["containers", "initContainers", "ephemeralContainers"] as const).flatMap((list) =>
    (spec[list] ?? []).map((container, index) => ({ container, at: `${field}.${list}[${index}].securityContext` })),
  );
  if (name === "linux") {
    const why = "windows options cannot be set for a linux pod";
    if (spec.securityContext?.windowsOptions !== undefined)
      errors.forbidden(`${field}.securityContext.windowsOptions`, why);
    for (const { container, at } of containers) {
      if (container.securityContext?.windowsOptions !== undefined) errors.forbidden(`${at}.windowsOptions`, why);
    }
    return;
  }
  const why = "cannot be set for a windows pod";
  for (const key of ["hostUsers", "hostPID", "hostIPC", "shareProcessNamespace"] as const) {
    if (spec[key] !== undefined) errors.forbidden(`${field}.${key}`, why);
  }
  for (const key of linuxOnlyOfPods) {
    if (spec.securityContext?.[key] !== undefined) errors.forbidden(`${field}.securityContext.${key}`, why);
  }
  for (const { container, at } of containers) {
    for (const key of linuxOnlyOfContainers) {
      if (container.securityContext?.[key] !== undefined) errors.forbidden(`${at}.${key}`, why);
    }
  }
}
