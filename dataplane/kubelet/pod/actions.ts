import { createHash } from "node:crypto";
import type { Container, Pod } from "../../../controlplane/api/mod.ts";
import { containerResize } from "../resize/container-resize.ts";
import { isHostNetwork, isSidecar } from "./pod-ref.ts";
import { ephemeralContainers } from "./qos.ts";
import { findContainer, type RuntimeContainer, type RuntimePod } from "./runtime-pod.ts";

export type ProbeVerdict = "success" | "failure" | "unknown";

/** What probes say about a container (by its id); undefined: no probe has spoken. */
export interface ProbeVerdicts {
  liveness(containerId: string): ProbeVerdict | undefined;
  startup(containerId: string): ProbeVerdict | undefined;
  /** Running, and past its startup probe if it has one. */
  started(instance: RuntimeContainer, container: Container): boolean;
}

export interface ContainerToKill {
  readonly container: RuntimeContainer;
  readonly message: string;
  readonly cause: "probe" | "startup probe" | "definition" | "other";
}

/** What stands between a pod as it is and as it should be. */
export interface PodActions {
  /** End everything the pod has, sandbox included. */
  readonly killPod: boolean;
  readonly createSandbox: boolean;
  /** The sandbox to start containers in when none is created. */
  readonly sandboxId: string | undefined;
  /** Number of the sandbox to create. */
  readonly attempt: number;
  readonly kill: readonly ContainerToKill[];
  readonly startEphemeral: readonly Container[];
  readonly startInit: readonly Container[];
  readonly start: readonly Container[];
}

/** Of what cannot change in a running container: as in the original, name and image. */
export function hashContainer(container: Container): string {
  return createHash("sha256")
    .update(JSON.stringify([container.name, container.image]))
    .digest("hex")
    .slice(0, 8);
}

/** Whether a container that ended is started again (and one that never ran, started). */
export function shouldRestart(pod: Pod, container: Container, status: RuntimeContainer | undefined): boolean {
  if (pod.metadata.deletionTimestamp !== undefined) return false;
  if (status === undefined || status.state === "unknown" || status.state === "created") return true;
  if (status.state === "running") return false;
  if (isSidecar(container)) return true;
  const policy = pod.spec.restartPolicy ?? "Always";
  return policy === "Always" || (policy === "OnFailure" && status.exitCode !== 0);
}

/** The plan for one pass over a pod, from nothing but its spec and what is there (kuberuntime's computePodActions). */
export function computePodActions(pod: Pod, runtimePod: RuntimePod, probes: ProbeVerdicts): PodActions {
  const sandbox = sandboxToUse(pod, runtimePod);
  const base = { sandboxId: sandbox.id, attempt: sandbox.attempt };

  if (sandbox.create) {
    const killPod = runtimePod.sandboxes.length > 0;
    const nothing = { ...base, ...nothingElse, killPod };
    // Its containers have run and may not run again: a new sandbox would stand empty.
    if (pod.spec.restartPolicy === "Never" && sandbox.attempt > 0 && runtimePod.containers.length > 0) return nothing;
    const succeeded = ({ name }: Container) => {
      const status = findContainer(runtimePod, name);
      return status?.state === "exited" && status.exitCode === 0;
    };
    const start = pod.spec.containers.filter((one) => pod.spec.restartPolicy !== "OnFailure" || !succeeded(one));
    if (start.length === 0) return nothing;
    // A new sandbox starts from the beginning, init containers included.
    const startInit = (pod.spec.initContainers ?? []).slice(0, 1);
    return { ...nothing, createSandbox: true, startInit, start: startInit.length === 0 ? start : [] };
  }

  // They never start a second time, whatever became of them.
  const startEphemeral = ephemeralContainers(pod).filter(({ name }) => findContainer(runtimePod, name) === undefined);
  const kill: ContainerToKill[] = [];
  const startInit: Container[] = [];
  const initialised = planInit(pod, runtimePod, probes, startInit, kill);
  if (initialised === "failed") return { ...base, ...nothingElse, killPod: true };
  if (!initialised) return { ...base, ...nothingElse, kill, startEphemeral, startInit };

  const start: Container[] = [];
  let kept = 0;
  for (const container of pod.spec.containers) {
    const status = findContainer(runtimePod, container.name);
    if (status === undefined || status.state !== "running") {
      if (shouldRestart(pod, container, status)) {
        start.push(container);
        // Half made: it never ran, and its successor takes its place.
        if (status?.state === "created" || status?.state === "unknown") {
          kill.push({
            container: status,
            message: "Container is in unknown state, try killing it before restart",
            cause: "other",
          });
        }
      }
      continue;
    }
    const doomed = whyKill(container, status, probes);
    if (doomed === undefined) {
      kept++;
      continue;
    }
    kill.push({ container: status, ...doomed });
    if (doomed.cause === "definition" || pod.spec.restartPolicy !== "Never") start.push(container);
  }
  // Nothing runs, nothing will: only sidecars are left, and they do not keep a pod alive.
  if (kept === 0 && start.length === 0) return { ...base, ...nothingElse, killPod: true };
  return { ...base, ...nothingElse, kill, startEphemeral, startInit, start };
}

const nothingElse: Omit<PodActions, "sandboxId" | "attempt"> = {
  killPod: false,
  createSandbox: false,
  kill: [],
  startEphemeral: [],
  startInit: [],
  start: [],
};

function whyKill(
  container: Container,
  status: RuntimeContainer,
  probes: ProbeVerdicts,
): Pick<ContainerToKill, "message" | "cause"> | undefined {
  const { name } = container;
  if (status.hash !== "" && status.hash !== hashContainer(container)) {
    return { message: `Container ${name} definition changed, will be restarted`, cause: "definition" };
  }
  if (containerResize(container, status).kind === "restart") {
    return { message: `Container ${name} resize requires restart`, cause: "definition" };
  }
  if (probes.liveness(status.id) === "failure") {
    return { message: `Container ${name} failed liveness probe, will be restarted`, cause: "probe" };
  }
  if (probes.startup(status.id) === "failure") {
    return { message: `Container ${name} failed startup probe, will be restarted`, cause: "startup probe" };
  }
  return undefined;
}

function sandboxToUse(pod: Pod, runtimePod: RuntimePod): { create: boolean; id: string | undefined; attempt: number } {
  const newest = runtimePod.sandboxes[0];
  if (newest === undefined) return { create: true, id: undefined, attempt: 0 };
  const next = { create: true, id: newest.id, attempt: newest.metadata.attempt + 1 };
  const ready = runtimePod.sandboxes.filter((sandbox) => sandbox.state === "SANDBOX_READY");
  if (ready.length > 1 || newest.state !== "SANDBOX_READY") return next;
  const network = isHostNetwork(pod) ? "NODE" : "POD";
  if (newest.namespaceOptions.network !== network) return next;
  if (network === "POD" && newest.network === undefined) return next;
  return { create: false, id: newest.id, attempt: newest.metadata.attempt };
}

/** Whether regular containers have run in this pod, so that its initialisation is history. */
function anyRegularStarted(pod: Pod, runtimePod: RuntimePod): boolean {
  return pod.spec.containers.some((container) => {
    const status = findContainer(runtimePod, container.name);
    return status !== undefined && status.state !== "created";
  });
}

/**
 * Decides on init containers: one after the other, each to its end, sidecars until they have started. Returns whether regular
 * containers may run, or "failed" when they never will.
 */
function planInit(
  pod: Pod,
  runtimePod: RuntimePod,
  probes: ProbeVerdicts,
  startInit: Container[],
  kill: ContainerToKill[],
): boolean | "failed" {
  const inits = pod.spec.initContainers ?? [];
  const past = anyRegularStarted(pod, runtimePod);
  for (const container of inits) {
    const status = findContainer(runtimePod, container.name);
    if (isSidecar(container)) {
      if (status === undefined || status.state !== "running") {
        if (status?.state === "created")
          kill.push({ container: status, message: "Container never started", cause: "other" });
        startInit.push(container);
        if (!past) return false;
        continue;
      }
      const doomed = whyKill(container, status, probes);
      if (doomed !== undefined) {
        kill.push({ container: status, ...doomed });
        startInit.push(container);
        if (!past) return false;
      } else if (!past && !probes.started(status, container)) return false;
      continue;
    }
    if (past) continue; // old init containers may have been collected
    if (status === undefined || status.state === "created" || status.state === "unknown") {
      if (status !== undefined)
        kill.push({ container: status, message: "Init container is in unknown state", cause: "other" });
      startInit.push(container);
      return false;
    }
    if (status.state === "running") return false;
    if (status.exitCode !== 0) {
      if (pod.spec.restartPolicy === "Never") return "failed";
      startInit.push(container);
      return false;
    }
  }
  return true;
}
