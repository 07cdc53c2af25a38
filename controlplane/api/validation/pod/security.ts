import type { PodSpec } from "../../types/core/pod-spec.ts";
import type { AppArmorProfile, SeccompProfile, SecurityContext, Sysctl } from "../../types/core/security-context.ts";
import type { FieldErrors } from "../field-errors.ts";
import { inRange } from "../formats.ts";
import { validateOptionalChoice } from "./choice.ts";
import { validateDescendingPath } from "./paths.ts";

const maxId = 2 ** 31 - 1;

function validateId(id: number | undefined, field: string, errors: FieldErrors): void {
  if (id !== undefined && (id < 0 || id > maxId)) errors.invalid(field, id, inRange(0, maxId));
}

export function validatePodSecurityContext(spec: PodSpec, field: string, errors: FieldErrors): void {
  const { securityContext: context, shareProcessNamespace, hostPID } = spec;
  if (shareProcessNamespace === true && hostPID === true) {
    const rule = "ShareProcessNamespace and HostPID cannot both be enabled";
    errors.invalid(`${field}.shareProcessNamespace`, true, rule);
  }
  if (context === undefined) return;
  for (const name of ["fsGroup", "runAsUser", "runAsGroup"] as const)
    validateId(context[name], `${field}.${name}`, errors);
  for (const [index, group] of (context.supplementalGroups ?? []).entries()) {
    validateId(group, `${field}.supplementalGroups[${index}]`, errors);
  }
  validateSysctls(context.sysctls ?? [], spec, `${field}.sysctls`, errors);
  const changes = ["Always", "OnRootMismatch"];
  validateOptionalChoice(context.fsGroupChangePolicy, changes, `${field}.fsGroupChangePolicy`, errors);
  validateSeccomp(context.seccompProfile, `${field}.seccompProfile`, errors);
  validateAppArmor(context.appArmorProfile, `${field}.appArmorProfile`, errors);
  const groups = ["Merge", "Strict"];
  validateOptionalChoice(context.supplementalGroupsPolicy, groups, `${field}.supplementalGroupsPolicy`, errors);
  const labelling = ["MountOption", "Recursive"];
  validateOptionalChoice(context.seLinuxChangePolicy, labelling, `${field}.seLinuxChangePolicy`, errors);
}

export function validateSecurityContext(
  context: SecurityContext | undefined,
  { hostUsers = true }: Pick<PodSpec, "hostUsers">,
  field: string,
  errors: FieldErrors,
): void {
  if (context === undefined) return;
  for (const name of ["runAsUser", "runAsGroup"] as const) validateId(context[name], `${field}.${name}`, errors);
  const { procMount } = context;
  validateOptionalChoice(procMount, ["Default", "Unmasked"], `${field}.procMount`, errors);
  if (procMount === "Unmasked" && hostUsers) {
    errors.invalid(`${field}.procMount`, procMount, "`hostUsers` must be false to use `Unmasked`");
  }
  validateSeccomp(context.seccompProfile, `${field}.seccompProfile`, errors);
  if (context.allowPrivilegeEscalation === false) {
    const cannot = "cannot set `allowPrivilegeEscalation` to false and";
    if (context.privileged) errors.invalid(field, context, `${cannot} \`privileged\` to true`);
    if (context.capabilities?.add?.includes("CAP_SYS_ADMIN")) {
      errors.invalid(field, context, `${cannot} \`capabilities.Add\` CAP_SYS_ADMIN`);
    }
  }
  validateAppArmor(context.appArmorProfile, `${field}.appArmorProfile`, errors);
}

const profileTypes = ["Localhost", "RuntimeDefault", "Unconfined"];

function validateSeccomp(profile: SeccompProfile | undefined, field: string, errors: FieldErrors): void {
  if (profile === undefined) return;
  const { type, localhostProfile } = profile;
  if (!type) errors.required(`${field}.type`, "type is required when seccompProfile is set");
  else validateOptionalChoice(type, profileTypes, `${field}.type`, errors);
  if (type !== "Localhost") {
    if (localhostProfile !== undefined) {
      errors.invalid(`${field}.localhostProfile`, profile, "can only be set when seccomp type is Localhost");
    }
  } else if (localhostProfile === undefined) {
    errors.required(`${field}.localhostProfile`, "must be set when seccomp type is Localhost");
  } else validateDescendingPath(localhostProfile, `${field}.localhostProfile`, errors);
}

function validateAppArmor(profile: AppArmorProfile | undefined, field: string, errors: FieldErrors): void {
  if (profile === undefined) return;
  const { type, localhostProfile } = profile;
  const at = `${field}.localhostProfile`;
  if (!type) errors.required(`${field}.type`, "type is required when appArmorProfile is set");
  else if (type === "Localhost") {
    if (!localhostProfile?.trim()) errors.required(at, "must be set when AppArmor type is Localhost");
    else if (localhostProfile !== localhostProfile.trim()) {
      errors.invalid(at, localhostProfile, "must not be padded with whitespace");
    }
  } else if (!profileTypes.includes(type)) errors.notSupported(`${field}.type`, type, profileTypes);
  else if (localhostProfile !== undefined) {
    errors.invalid(at, localhostProfile, "can only be set when AppArmor type is Localhost");
  }
}

const sysctlSegment = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?";
const sysctlName = `^(${sysctlSegment}[\\./])*${sysctlSegment}$`;
const sysctlNamePattern = new RegExp(sysctlName);
const maxSysctlLength = 253;

function validateSysctls(
  sysctls: readonly Sysctl[],
  { hostNetwork, hostIPC }: PodSpec,
  field: string,
  errors: FieldErrors,
): void {
  for (const [index, { name }] of sysctls.entries()) {
    const at = `${field}[${index}].name`;
    if (!name) errors.required(at);
    else if (name.length > maxSysctlLength || !sysctlNamePattern.test(name)) {
      const rule = `must have at most ${maxSysctlLength} characters and match regex ${sysctlName}`;
      errors.invalid(at, name, rule);
    } else if (sysctls.slice(0, index).some((other) => other.name === name)) errors.duplicate(at, name);
    const parts = name.replaceAll("/", ".");
    if (hostNetwork && parts.startsWith("net.")) {
      errors.invalid(at, name, "may not be specified when 'hostNetwork' is true");
    }
    if (hostIPC && /^(kernel\.(shm|msg|sem)|fs\.mqueue\.)/.test(parts)) {
      errors.invalid(at, name, "may not be specified when 'hostIPC' is true");
    }
  }
}
