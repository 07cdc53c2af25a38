import type { Container, SELinuxOptions } from "../../../api/mod.ts";
import {
  type Check,
  containersOf,
  named,
  type PodLike,
  plural,
  quoted,
  setters,
  sorted,
  type Violation,
} from "./check.ts";

const APPARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/";

const appArmorProfile: Check = {
  id: "appArmorProfile",
  check(pod) {
    const values = new Set<string>();
    const bad = (type: string | undefined) => {
      if (type === undefined || type === "RuntimeDefault" || type === "Localhost") return false;
      values.add(type);
      return true;
    };
    const byPod = bad(pod.spec.securityContext?.appArmorProfile?.type);
    const containers = containersOf(pod).filter(({ securityContext }) => bad(securityContext?.appArmorProfile?.type));
    const annotations = Object.entries(pod.metadata?.annotations ?? {})
      .filter(([key, value]) => key.startsWith(APPARMOR_ANNOTATION) && !profileOfAnnotation.test(value))
      .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
      .sort();
    const who = [setters(byPod, containers), annotations.length > 0 ? plural(annotations.length, "annotation") : ""];
    if (who.every((part) => part === "")) return undefined;
    const told = [...sorted(values), ...annotations];
    return {
      reason: plural(told.length, "forbidden AppArmor profile"),
      detail: `${who.filter(Boolean).join(" and ")} must not set AppArmor profile type to ${quoted(told)}`,
    };
  },
};
const profileOfAnnotation = /^$|^runtime\/default$|^localhost\//;

const defaultCapabilities = new Set(
  "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT".split(
    " ",
  ),
);

const capabilities: Check = {
  id: "capabilities_baseline",
  check(pod) {
    const added = new Set<string>();
    const containers = containersOf(pod).filter(({ securityContext }) => {
      const bad = (securityContext?.capabilities?.add ?? []).filter((name) => !defaultCapabilities.has(name));
      for (const name of bad) added.add(name);
      return bad.length > 0;
    });
    if (containers.length === 0) return undefined;
    return {
      reason: "non-default capabilities",
      detail: `${named(containers)} must not include ${quoted(sorted(added))} in securityContext.capabilities.add`,
    };
  },
};

const hostNamespaces: Check = {
  id: "hostNamespaces",
  check({ spec }) {
    const shared = (["hostNetwork", "hostPID", "hostIPC"] as const).filter((field) => spec[field]);
    if (shared.length === 0) return undefined;
    return { reason: "host namespaces", detail: shared.map((field) => `${field}=true`).join(", ") };
  },
};

const hostPathVolumes: Check = {
  id: "hostPathVolumes",
  check({ spec }) {
    const volumes = (spec.volumes ?? []).filter(({ hostPath }) => hostPath !== undefined).map(({ name }) => name);
    if (volumes.length === 0) return undefined;
    return { reason: "hostPath volumes", detail: `${plural(volumes.length, "volume")} ${quoted(volumes)}` };
  },
};

const hostPorts: Check = {
  id: "hostPorts",
  check(pod) {
    const ports = new Set<string>();
    const containers = containersOf(pod).filter(({ ports: own }) => {
      const bad = (own ?? []).filter(({ hostPort }) => hostPort);
      for (const { hostPort } of bad) ports.add(String(hostPort));
      return bad.length > 0;
    });
    if (containers.length === 0) return undefined;
    const uses = plural(containers.length, "uses", "use");
    return {
      reason: "hostPort",
      detail: `${named(containers)} ${uses} ${plural(ports.size, "hostPort")} ${sorted(ports).join(", ")}`,
    };
  },
};

/** A probe that names a host makes the kubelet call it: a way around every network policy. */
const hostProbes: Check = {
  id: "hostProbesAndHostLifecycle",
  since: 34,
  check(pod) {
    const hosts = new Set<string>();
    const containers = containersOf(pod).filter((container) => {
      const bad = handlersOf(container)
        .flatMap((handler) => [handler?.httpGet?.host, handler?.tcpSocket?.host])
        .filter((host): host is string => !!host);
      for (const host of bad) hosts.add(host);
      return bad.length > 0;
    });
    if (containers.length === 0) return undefined;
    const uses = plural(containers.length, "uses", "use");
    return {
      reason: "probe or lifecycle host",
      detail: `${named(containers)} ${uses} ${plural(hosts.size, "probe or lifecycle host")} ${quoted(sorted(hosts))}`,
    };
  },
};

const handlersOf = ({ livenessProbe, readinessProbe, startupProbe, lifecycle }: Container) => [
  livenessProbe,
  readinessProbe,
  startupProbe,
  lifecycle?.postStart,
  lifecycle?.preStop,
];

const privileged: Check = {
  id: "privileged",
  check(pod) {
    const containers = containersOf(pod).filter(({ securityContext }) => securityContext?.privileged);
    if (containers.length === 0) return undefined;
    return { reason: "privileged", detail: `${named(containers)} must not set securityContext.privileged=true` };
  },
};

const procMount: Check = {
  id: "procMount",
  check(pod, minor) {
    if (minor >= 35 && pod.spec.hostUsers === false) return undefined;
    return procMountViolation(pod);
  },
};

export function procMountViolation(pod: PodLike): Violation | undefined {
  const types = new Set<string>();
  const containers = containersOf(pod).filter(({ securityContext }) => {
    const type = securityContext?.procMount;
    if (type === undefined || type === "Default") return false;
    types.add(type);
    return true;
  });
  if (containers.length === 0) return undefined;
  return {
    reason: "procMount",
    detail: `${named(containers)} must not set securityContext.procMount to ${quoted(sorted(types))}`,
  };
}

const seLinuxOptions: Check = {
  id: "seLinuxOptions",
  check(pod, minor) {
    const allowed = ["", "container_t", "container_init_t", "container_kvm_t"];
    if (minor >= 31) allowed.push("container_engine_t");
    const types = new Set<string>();
    const fields = new Set<"user" | "role">();
    const bad = (options: SELinuxOptions | undefined) => {
      const wrongType = !allowed.includes(options?.type ?? "");
      if (wrongType) types.add(options?.type ?? "");
      if (options?.user) fields.add("user");
      if (options?.role) fields.add("role");
      return wrongType || !!options?.user || !!options?.role;
    };
    const byPod = bad(pod.spec.securityContext?.seLinuxOptions);
    const containers = containersOf(pod).filter(({ securityContext }) => bad(securityContext?.seLinuxOptions));
    if (!byPod && containers.length === 0) return undefined;
    const what = [
      ...(types.size > 0 ? [`${plural(types.size, "type")} ${quoted(sorted(types))}`] : []),
      ...(["user", "role"] as const).filter((field) => fields.has(field)).map((field) => `${field} may not be set`),
    ];
    return {
      reason: "seLinuxOptions",
      detail: `${setters(byPod, containers)} set forbidden securityContext.seLinuxOptions: ${what.join("; ")}`,
    };
  },
};

const seccompProfile: Check = {
  id: "seccompProfile_baseline",
  since: 19,
  check(pod) {
    const values = new Set<string>();
    const bad = (type: string | undefined) => {
      if (type === undefined || type === "RuntimeDefault" || type === "Localhost") return false;
      values.add(type);
      return true;
    };
    const byPod = bad(pod.spec.securityContext?.seccompProfile?.type);
    const containers = containersOf(pod).filter(({ securityContext }) => bad(securityContext?.seccompProfile?.type));
    if (values.size === 0) return undefined;
    const who = setters(byPod, containers);
    return {
      reason: "seccompProfile",
      detail: `${who} must not set securityContext.seccompProfile.type to ${quoted(sorted(values))}`,
    };
  },
};

/** Sysctls that stay inside the pod, by the minor version of the policy that came to allow them. */
const safeSysctls: readonly (readonly [since: number, names: string])[] = [
  [
    0,
    "kernel.shm_rmid_forced net.ipv4.ip_local_port_range net.ipv4.tcp_syncookies net.ipv4.ping_group_range net.ipv4.ip_unprivileged_port_start",
  ],
  [27, "net.ipv4.ip_local_reserved_ports"],
  [
    29,
    "net.ipv4.tcp_keepalive_time net.ipv4.tcp_fin_timeout net.ipv4.tcp_keepalive_intvl net.ipv4.tcp_keepalive_probes",
  ],
  [32, "net.ipv4.tcp_rmem net.ipv4.tcp_wmem"],
  [37, "net.ipv4.tcp_slow_start_after_idle net.ipv4.tcp_notsent_lowat"],
];

const sysctls: Check = {
  id: "sysctls",
  check({ spec }, minor) {
    const safe = new Set(safeSysctls.filter(([since]) => minor >= since).flatMap(([, names]) => names.split(" ")));
    const forbidden = (spec.securityContext?.sysctls ?? []).map(({ name }) => name).filter((name) => !safe.has(name));
    return forbidden.length === 0 ? undefined : { reason: "forbidden sysctls", detail: forbidden.join(", ") };
  },
};

const windowsHostProcess: Check = {
  id: "windowsHostProcess",
  check(pod) {
    const byPod = pod.spec.securityContext?.windowsOptions?.hostProcess === true;
    const containers = containersOf(pod).filter(({ securityContext }) => securityContext?.windowsOptions?.hostProcess);
    if (!byPod && containers.length === 0) return undefined;
    const who = setters(byPod, containers);
    return { reason: "hostProcess", detail: `${who} must not set securityContext.windowsOptions.hostProcess=true` };
  },
};

/** The level "baseline": nothing that is known to lead out of the pod. */
export const baseline: readonly Check[] = [
  appArmorProfile,
  capabilities,
  hostNamespaces,
  hostPathVolumes,
  hostPorts,
  hostProbes,
  privileged,
  procMount,
  seLinuxOptions,
  seccompProfile,
  sysctls,
  windowsHostProcess,
];
