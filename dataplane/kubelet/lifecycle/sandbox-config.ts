import type { Pod } from "../../../controlplane/api/mod.ts";
import { type ClusterDns, podDns } from "../pod/dns-config.ts";
import { sandboxHostname } from "../pod/hosts-file.ts";
import { annotations, isHostNetwork, labels, refOf } from "../pod/pod-ref.ts";
import { allContainers } from "../pod/qos.ts";
import { cgroupParentOf, podResources } from "../pod/resources.ts";
import { podLogDirOf } from "../root-dir.ts";
import type { NamespaceOptions, PodSandboxConfig } from "../runtime/cri.ts";

export interface SandboxConfigInput {
  readonly pod: Pod;
  readonly attempt: number;
  readonly rootDir: string;
  readonly nodeHostname: string;
  readonly dns: ClusterDns;
  /** Text of the node's resolv.conf. */
  readonly hostResolvConf: string;
}

/** What the runtime is told about a pod's sandbox. */
export function sandboxConfig(input: SandboxConfigInput): PodSandboxConfig {
  const { pod, attempt, rootDir } = input;
  const ref = refOf(pod);
  const hostNetwork = isHostNetwork(pod);
  return {
    metadata: { ...ref, attempt },
    hostname: hostNetwork ? input.nodeHostname : sandboxHostname(pod, input.dns.domain),
    logDirectory: podLogDirOf(rootDir, ref),
    dnsConfig: podDns(pod, input.dns, input.hostResolvConf),
    labels: {
      ...pod.metadata.labels,
      [labels.podName]: ref.name,
      [labels.podNamespace]: ref.namespace,
      [labels.podUid]: ref.uid,
    },
    annotations: { [annotations.terminationGracePeriod]: `${pod.spec.terminationGracePeriodSeconds ?? 30}` },
    linux: {
      cgroupParent: cgroupParentOf(pod, ref.uid),
      namespaceOptions: namespaceOptions(pod),
      privileged: allContainers(pod).some(({ securityContext }) => securityContext?.privileged === true),
      sysctls: Object.fromEntries((pod.spec.securityContext?.sysctls ?? []).map(({ name, value }) => [name, value])),
      resources: podResources(pod),
    },
  };
}

/** Which namespaces a pod's containers share, and with whom. */
export function namespaceOptions(pod: Pod): NamespaceOptions {
  const { hostPID, hostIPC, shareProcessNamespace } = pod.spec;
  return {
    network: isHostNetwork(pod) ? "NODE" : "POD",
    pid: hostPID === true ? "NODE" : shareProcessNamespace === true ? "POD" : "CONTAINER",
    ipc: hostIPC === true ? "NODE" : "POD",
  };
}
