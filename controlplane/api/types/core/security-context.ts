import { atomic, boolean, explicit, int64, list, one, oneOf, packageOf, required, string } from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";

const { message } = packageOf("io.k8s.api.core.v1", "", "v1");

export const AppArmorProfile = message("AppArmorProfile", {
  type: required(oneOf(1, ["Localhost", "RuntimeDefault", "Unconfined"])),
  localhostProfile: string(2, explicit),
});
export interface AppArmorProfile extends Infer<typeof AppArmorProfile> {}

export const Capabilities = message("Capabilities", {
  add: list(1, string, atomic),
  drop: list(2, string, atomic),
});
export interface Capabilities extends Infer<typeof Capabilities> {}

export const SELinuxOptions = message("SELinuxOptions", {
  user: string(1),
  role: string(2),
  type: string(3),
  level: string(4),
});
export interface SELinuxOptions extends Infer<typeof SELinuxOptions> {}

export const SeccompProfile = message("SeccompProfile", {
  type: required(oneOf(1, ["Localhost", "RuntimeDefault", "Unconfined"])),
  localhostProfile: string(2, explicit),
});
export interface SeccompProfile extends Infer<typeof SeccompProfile> {}

export const Sysctl = message("Sysctl", {
  name: required(string(1)),
  value: required(string(2)),
});
export interface Sysctl extends Infer<typeof Sysctl> {}

export const WindowsSecurityContextOptions = message("WindowsSecurityContextOptions", {
  gmsaCredentialSpecName: string(1, explicit),
  gmsaCredentialSpec: string(2, explicit),
  runAsUserName: string(3, explicit),
  hostProcess: boolean(4, explicit),
});
export interface WindowsSecurityContextOptions extends Infer<typeof WindowsSecurityContextOptions> {}

export const PodSecurityContext = message("PodSecurityContext", {
  seLinuxOptions: one<SELinuxOptions>(1, SELinuxOptions),
  windowsOptions: one<WindowsSecurityContextOptions>(8, WindowsSecurityContextOptions),
  runAsUser: int64(2, explicit),
  runAsGroup: int64(6, explicit),
  runAsNonRoot: boolean(3, explicit),
  supplementalGroups: list(4, int64, atomic),
  supplementalGroupsPolicy: string(12, explicit),
  fsGroup: int64(5, explicit),
  sysctls: list<Sysctl>(7, Sysctl, atomic),
  fsGroupChangePolicy: oneOf(9, ["Always", "OnRootMismatch"], explicit),
  seccompProfile: one<SeccompProfile>(10, SeccompProfile),
  appArmorProfile: one<AppArmorProfile>(11, AppArmorProfile),
  seLinuxChangePolicy: string(13, explicit),
});
export interface PodSecurityContext extends Infer<typeof PodSecurityContext> {}

export const SecurityContext = message("SecurityContext", {
  capabilities: one<Capabilities>(1, Capabilities),
  privileged: boolean(2, explicit),
  seLinuxOptions: one<SELinuxOptions>(3, SELinuxOptions),
  windowsOptions: one<WindowsSecurityContextOptions>(10, WindowsSecurityContextOptions),
  runAsUser: int64(4, explicit),
  runAsGroup: int64(8, explicit),
  runAsNonRoot: boolean(5, explicit),
  readOnlyRootFilesystem: boolean(6, explicit),
  allowPrivilegeEscalation: boolean(7, explicit),
  procMount: string(9, explicit),
  seccompProfile: one<SeccompProfile>(11, SeccompProfile),
  appArmorProfile: one<AppArmorProfile>(12, AppArmorProfile),
});
export interface SecurityContext extends Infer<typeof SecurityContext> {}
