import { procMountViolation } from "./baseline.ts";
import { type Check, containersOf, named, type PodLike, plural, quoted, setters, sorted } from "./check.ts";

/** Pods of Windows cannot set these fields at all. */
const isWindows = ({ spec }: PodLike, minor: number) => minor >= 25 && spec.os?.name === "windows";

/** With user namespaces, root in the pod is nobody outside of it. */
const isUserNamespaced = ({ spec }: PodLike, minor: number) => minor >= 35 && spec.hostUsers === false;

const allowPrivilegeEscalation: Check = {
  id: "allowPrivilegeEscalation",
  since: 8,
  check(pod, minor) {
    if (isWindows(pod, minor)) return undefined;
    const containers = containersOf(pod).filter(
      ({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false,
    );
    if (containers.length === 0) return undefined;
    return {
      reason: "allowPrivilegeEscalation != false",
      detail: `${named(containers)} must set securityContext.allowPrivilegeEscalation=false`,
    };
  },
};

const capabilities: Check = {
  id: "capabilities_restricted",
  since: 22,
  replaces: ["capabilities_baseline"],
  check(pod, minor) {
    if (isWindows(pod, minor)) return undefined;
    const all = containersOf(pod);
    const keeping = all.filter(({ securityContext }) => !securityContext?.capabilities?.drop?.includes("ALL"));
    const added = new Set<string>();
    const adding = all.filter(({ securityContext }) => {
      const bad = (securityContext?.capabilities?.add ?? []).filter((name) => name !== "NET_BIND_SERVICE");
      for (const name of bad) added.add(name);
      return bad.length > 0;
    });
    const details = [
      ...(keeping.length > 0 ? [`${named(keeping)} must set securityContext.capabilities.drop=["ALL"]`] : []),
      ...(adding.length > 0
        ? [`${named(adding)} must not include ${quoted(sorted(added))} in securityContext.capabilities.add`]
        : []),
    ];
    return details.length === 0 ? undefined : { reason: "unrestricted capabilities", detail: details.join("; ") };
  },
};

const procMount: Check = {
  id: "procMount_restricted",
  since: 35,
  replaces: ["procMount"],
  check: procMountViolation,
};

const allowedVolumes = [
  "configMap",
  "csi",
  "downwardAPI",
  "emptyDir",
  "ephemeral",
  "image",
  "persistentVolumeClaim",
  "projected",
  "secret",
];

const volumes: Check = {
  id: "restrictedVolumes",
  replaces: ["hostPathVolumes"],
  check({ spec }) {
    const types = new Set<string>();
    const bad = (spec.volumes ?? []).filter((volume) => {
      const type = Object.keys(volume).find((field) => field !== "name") ?? "unknown";
      if (allowedVolumes.includes(type)) return false;
      types.add(type);
      return true;
    });
    if (bad.length === 0) return undefined;
    const who = `${plural(bad.length, "volume")} ${quoted(bad.map(({ name }) => name))}`;
    const what = `${plural(types.size, "restricted volume type")} ${quoted(sorted(types))}`;
    return { reason: "restricted volume types", detail: `${who} ${plural(bad.length, "uses", "use")} ${what}` };
  },
};

const runAsNonRoot: Check = {
  id: "runAsNonRoot",
  check(pod, minor) {
    if (isUserNamespaced(pod, minor)) return undefined;
    const ofPod = pod.spec.securityContext?.runAsNonRoot;
    const all = containersOf(pod);
    const explicit = all.filter(({ securityContext }) => securityContext?.runAsNonRoot === false);
    const reason = "runAsNonRoot != true";
    if (ofPod === false || explicit.length > 0) {
      const who = setters(ofPod === false, explicit);
      return { reason, detail: `${who} must not set securityContext.runAsNonRoot=false` };
    }
    const silent = all.filter(({ securityContext }) => securityContext?.runAsNonRoot === undefined);
    if (ofPod || silent.length === 0) return undefined;
    return { reason, detail: `pod or ${named(silent)} must set securityContext.runAsNonRoot=true` };
  },
};

const runAsUser: Check = {
  id: "runAsUser",
  since: 23,
  check(pod, minor) {
    if (isUserNamespaced(pod, minor)) return undefined;
    const byPod = pod.spec.securityContext?.runAsUser === 0;
    const containers = containersOf(pod).filter(({ securityContext }) => securityContext?.runAsUser === 0);
    if (!byPod && containers.length === 0) return undefined;
    return { reason: "runAsUser=0", detail: `${setters(byPod, containers)} must not set runAsUser=0` };
  },
};

const seccompProfile: Check = {
  id: "seccompProfile_restricted",
  since: 19,
  replaces: ["seccompProfile_baseline"],
  check(pod, minor) {
    if (isWindows(pod, minor)) return undefined;
    const good = (type: string | undefined) => type === "RuntimeDefault" || type === "Localhost";
    const ofPod = pod.spec.securityContext?.seccompProfile?.type;
    const all = containersOf(pod);
    const explicit = all.filter(({ securityContext }) => {
      const profile = securityContext?.seccompProfile;
      return profile !== undefined && !good(profile.type);
    });
    const reason = "seccompProfile";
    const byPod = ofPod !== undefined && !good(ofPod);
    if (byPod || explicit.length > 0) {
      const values = new Set(explicit.map(({ securityContext }) => securityContext?.seccompProfile?.type as string));
      if (byPod) values.add(ofPod);
      const who = setters(byPod, explicit);
      const detail = `${who} must not set securityContext.seccompProfile.type to ${quoted(sorted(values))}`;
      return { reason, detail };
    }
    const silent = all.filter(({ securityContext }) => securityContext?.seccompProfile === undefined);
    if (good(ofPod) || silent.length === 0) return undefined;
    const wanted = `securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`;
    return { reason, detail: `pod or ${named(silent)} must set ${wanted}` };
  },
};

/** What the level "restricted" asks beyond the baseline: the practices of hardening. */
export const restricted: readonly Check[] = [
  allowPrivilegeEscalation,
  capabilities,
  procMount,
  volumes,
  runAsNonRoot,
  runAsUser,
  seccompProfile,
];
