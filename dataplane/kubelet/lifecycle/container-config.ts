import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Container, Pod } from "../../../controlplane/api/mod.ts";
import { expand } from "../env/expand.ts";
import { hashContainer } from "../pod/actions.ts";
import { annotations, formatPod, labels, refOf } from "../pod/pod-ref.ts";
import { containerResources } from "../pod/resources.ts";
import { podDirOf } from "../root-dir.ts";
import type { ContainerConfig, Image, KeyValue, LinuxContainerSecurityContext } from "../runtime/cri.ts";
import { containerMounts, type MountedVolumes } from "../volumes/volume-manager.ts";
import { StartError } from "./start-error.ts";

export interface ContainerConfigInput {
  readonly pod: Pod;
  readonly container: Container;
  readonly image: Image;
  readonly restartCount: number;
  readonly envs: readonly KeyValue[];
  readonly volumes: MountedVolumes;
  readonly rootDir: string;
  /** The /etc/hosts the kubelet wrote for the pod. */
  readonly hostsFile: string;
  readonly memoryCapacityBytes: number;
}

/** What the runtime is told about one container (kuberuntime's generateContainerConfig). Makes the file for its termination message. */
export function containerConfig(input: ContainerConfigInput): ContainerConfig {
  const { pod, container, restartCount, envs, rootDir } = input;
  const ref = refOf(pod);
  const values = new Map(envs.map(({ key, value }) => [key, value]));
  const expanded = (text: string) => expand(text, (name) => values.get(name));
  const mounts = containerMounts(pod, container, input.volumes, expanded);
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
    logPath: join(container.name, `${restartCount}.log`),
    linux: {
      resources: containerResources(pod, container, input.memoryCapacityBytes),
      securityContext: securityContext(pod, container, input.image),
    },
  };
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
  const runAsUser = own.runAsUser ?? podWide.runAsUser ?? image.uid;
  if ((own.runAsNonRoot ?? podWide.runAsNonRoot) === true && (runAsUser ?? 0) === 0) {
    const where = `(pod: "${formatPod(refOf(pod))}", container: ${container.name})`;
    const chosen = own.runAsUser ?? podWide.runAsUser;
    const message =
      chosen === 0
        ? `container's runAsUser breaks non-root policy ${where}`
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
  };
}
