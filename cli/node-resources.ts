import type { Command } from "commander";
import { Quantity } from "../controlplane/api/mod.ts";
import type { StartKubeletOptions } from "../dataplane/kubelet/mod.ts";

export interface NodeResourceFlags {
  capacity?: string;
  systemReserved?: string;
  kubeReserved?: string;
  evictionHard?: string;
  evictionSoft?: string;
  evictionSoftGracePeriod?: string;
  evictionMinimumReclaim?: string;
  evictionPressureTransitionPeriod: number;
  evictionMaxPodGracePeriod: number;
  podManifestPath?: string;
}

/** Flags about what a node has, what it keeps back, and what it runs by itself. */
export function addNodeResourceFlags(command: Command): Command {
  return command
    .option("--capacity <resources>", "what the node counts as its own, e.g. cpu=2,memory=4Gi; default: the machine")
    .option("--system-reserved <resources>", "kept back from pods, e.g. cpu=100m,memory=200Mi")
    .option("--kube-reserved <resources>", "the same, for the agent")
    .option("--eviction-hard <thresholds>", "pods go at once, e.g. memory.available<100Mi,nodefs.available<10%")
    .option("--eviction-soft <thresholds>", "pods go when it lasts")
    .option("--eviction-soft-grace-period <times>", "how long it may last, e.g. memory.available=1m30s")
    .option("--eviction-minimum-reclaim <amounts>", "how much more is to be free again, e.g. nodefs.available=500Mi")
    .option("--eviction-pressure-transition-period <seconds>", "a pressure is over after so long", Number, 300)
    .option("--eviction-max-pod-grace-period <seconds>", "the longest a pod gets at a soft threshold", Number, 0)
    .option("--pod-manifest-path <dir>", "manifests of pods that run without being asked for in the API");
}

/** `cpu=500m,memory=1Gi` as CPUs and bytes. */
function amounts(text = "") {
  const pairs = text.split(",").flatMap((part) => {
    const [name = "", value = ""] = part.split("=");
    return name === "" ? [] : [[name, Quantity.of(value).milliValue() / 1000] as const];
  });
  return Object.fromEntries(pairs) as { readonly cpu?: number; readonly memory?: number };
}

export function nodeResources(
  flags: NodeResourceFlags,
): Pick<StartKubeletOptions, "capacity" | "reserved" | "eviction" | "podManifestPath"> {
  const [system, kube] = [amounts(flags.systemReserved), amounts(flags.kubeReserved)];
  return {
    podManifestPath: flags.podManifestPath,
    capacity: amounts(flags.capacity),
    reserved: {
      cpu: (system.cpu ?? 0) + (kube.cpu ?? 0),
      memory: (system.memory ?? 0) + (kube.memory ?? 0),
    },
    eviction: {
      hard: flags.evictionHard,
      soft: flags.evictionSoft,
      softGracePeriod: flags.evictionSoftGracePeriod,
      minimumReclaim: flags.evictionMinimumReclaim,
      pressureTransitionPeriodMs: flags.evictionPressureTransitionPeriod * 1000,
      maxPodGraceSeconds: flags.evictionMaxPodGracePeriod,
    },
  };
}
