import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Container, Pod } from "../../../controlplane/api/mod.ts";
import { expand } from "../env/expand.ts";
import { hashContainer } from "../pod/actions.ts";
import { annotations, formatPod, labels, refOf } from "../pod/pod-ref.ts";
import { ephemeralContainers } from "../pod/qos.ts";
import { containerResources } from "../pod/resources.ts";
import { findContainer, type RuntimePod } from "../pod/runtime-pod.ts";
import { podDirOf } from "../root-dir.ts";
import type {
  ContainerConfig,
  Image,
  KeyValue,
  LinuxContainerSecurityContext,
  NamespaceOptions,
  SecurityProfile,
} from "../runtime/cri.ts";
import { containerMounts } from "../volumes/container-mounts.ts";
import type { MountedVolumes } from "../volumes/mounted-volume.ts";
import { namespaceOptions } from "./sandbox-config.ts";
import { StartError } from "./start-error.ts";

export interface ContainerConfigInput {
  readonly pod: Pod;
  readonly container: Container;
  /** Where an ephemeral container finds the one whose processes it wants to see. */
  readonly runtimePod: RuntimePod;
  readonly image: Image;
  readonly restartCount: number;
  readonly envs: readonly KeyValue[];
  readonly volumes: MountedVolumes;
  readonly rootDir: string;
  /** Whether this process may mount file systems. */
  readonly canMount: boolean;
  /** The /etc/hosts the kubelet wrote for the pod. */
  readonly hostsFile: string;
  readonly memoryCapacityBytes: number;
}

/** What the runtime is told about one container (kuberuntime's generateContainerConfig). Makes the file for its termination message. */
export async function containerConfig(input: ContainerConfigInput): Promise<ContainerConfig> {
  const { pod, container, restartCount, envs, rootDir, volumes, canMount } = input;
  const ref = refOf(pod);
  const values = new Map(envs.map(({ key, value }) => [key, value]));
  const expanded = (text: string) => expand(text, (name) => values.get(name));
  const mounts = await containerMounts({ pod, container, volumes, rootDir, canMount, expandPath: expanded });
  if (!mounts.some(({ containerPath }) => containerPath === "/etc/hosts")) {
    mounts.push({ containerPath: "/etc/hosts", hostPath: input.hostsFile, readonly: false });
  }
  const messageFile = makeMessageFile(rootDir, ref.uid, container.name);
  const messagePath = container.terminationMessagePath || "/dev/termination-log";
  mounts.push({ containerPath: messagePath, hostPath: messageFile, readonly: false });
  const grace = pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30;
  return {
    metadata: { name: container.name, attempt: restartCount },
    image: container.image ?? "",
    command: (container.command ?? []).map(expanded),
    args: (container.args ?? []).map(expanded),
    workingDir: container.workingDir ?? "",
    envs,
    mounts,
    labels: {
      [labels.podName]: ref.name,
      [labels.podNamespace]: ref.namespace,
      [labels.podUid]: ref.uid,
      [labels.containerName]: container.name,
    },
    annotations: {
      [annotations.hash]: hashContainer(container),
      [annotations.restartCount]: `${restartCount}`,
      [annotations.terminationMessageFile]: messageFile,
      [annotations.terminationMessagePolicy]: container.terminationMessagePolicy ?? "File",
      [annotations.terminationGracePeriod]: `${grace}`,
    },
    ...(container.lifecycle?.stopSignal === undefined ? {} : { stopSignal: container.lifecycle.stopSignal }),
    logPath: join(container.name, `${restartCount}.log`),
    stdin: container.stdin === true,
    stdinOnce: container.stdinOnce === true,
    tty: container.tty === true,
    linux: {
      resources: containerResources(pod, container, input.memoryCapacityBytes),
      securityContext: {
        ...securityContext(pod, container, input.image),
        namespaceOptions: containerNamespaces(pod, container, input.runtimePod),
      },
    },
  };
}

/** Those of the pod; an ephemeral container may ask for the processes of another. */
function containerNamespaces(pod: Pod, container: Container, runtimePod: RuntimePod): NamespaceOptions {
  const own = namespaceOptions(pod);
  const name = ephemeralContainers(pod).find((one) => one.name === container.name)?.targetContainerName ?? "";
  if (name === "" || own.pid !== "CONTAINER") return own;
  const target = findContainer(runtimePod, name);
  if (target === undefined) throw new Error(`unable to find target container ${name}`);
  if (target.state !== "running") throw new Error(`target container ${name} is not running`);
  return { ...own, pid: "TARGET", targetId: target.id };
}

function makeMessageFile(rootDir: string, uid: string, name: string): string {
  const dir = join(podDirOf(rootDir, uid), "containers", name);
  mkdirSync(dir, { recursive: true });
  const file = join(dir, randomBytes(4).toString("hex"));
  writeFileSync(file, "");
  chmodSync(file, 0o666); // whatever user the container runs as
  return file;
}

/** The container's word before the pod's. Rejects a root user where root is forbidden. */
export function securityContext(pod: Pod, container: Container, image: Image): LinuxContainerSecurityContext {
  const podWide = pod.spec.securityContext ?? {};
  const own = container.securityContext ?? {};
  // The image's own user is left to the engine: it comes with its group, and a name is for the image's files to explain.
  const runAsUser = own.runAsUser ?? podWide.runAsUser;
  const mustNotBeRoot = (own.runAsNonRoot ?? podWide.runAsNonRoot) === true;
  const namedByImage = runAsUser === undefined && image.username !== undefined;
  if (mustNotBeRoot && (namedByImage || (runAsUser ?? image.uid ?? 0) === 0)) {
    const where = `(pod: "${formatPod(refOf(pod))}", container: ${container.name})`;
    const message =
      runAsUser === 0
        ? `container's runAsUser breaks non-root policy ${where}`
        : namedByImage
          ? `container has runAsNonRoot and image has non-numeric user (${image.username}), cannot verify user is non-root ${where}`
          : `container has runAsNonRoot and image will run as root ${where}`;
    throw new StartError("CreateContainerConfigError", message);
  }
  const groups = [...(podWide.supplementalGroups ?? []), ...(podWide.fsGroup === undefined ? [] : [podWide.fsGroup])];
  return {
    privileged: own.privileged === true,
    runAsUser,
    runAsGroup: own.runAsGroup ?? podWide.runAsGroup,
    supplementalGroups: groups,
    readonlyRootfs: own.readOnlyRootFilesystem === true,
    noNewPrivs: own.allowPrivilegeEscalation === false,
    addCapabilities: own.capabilities?.add ?? [],
    dropCapabilities: own.capabilities?.drop ?? [],
    seccomp: profileOf(own.seccompProfile ?? podWide.seccompProfile),
    ...(own.procMount === "Unmasked" ? { maskedPaths: [], readonlyPaths: [] } : {}),
    ...(podWide.supplementalGroupsPolicy === "Strict" ? { supplementalGroupsPolicy: "Strict" as const } : {}),
  };
}

/** Without a word nothing is filtered, as with a kubelet that is not told `--seccomp-default`. A file of the node is named relative to its folder. */
function profileOf(profile: { type?: string; localhostProfile?: string } | undefined): SecurityProfile | undefined {
  switch (profile?.type) {
    case "RuntimeDefault":
      return { profileType: "RuntimeDefault" };
    case "Localhost":
      return { profileType: "Localhost", localhostRef: join(seccompDir, profile.localhostProfile ?? "") };
    default:
      return undefined;
  }
}

const seccompDir = "/var/lib/kubelet/seccomp";
