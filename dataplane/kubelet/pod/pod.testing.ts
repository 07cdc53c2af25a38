import type { Container, Pod } from "../../../controlplane/api/mod.ts";
import type { PodSandboxStatus } from "../runtime/cri.ts";
import { hashContainer, type ProbeVerdicts } from "./actions.ts";
import type { RuntimeContainer, RuntimePod } from "./runtime-pod.ts";

/** A pod `web` with the given spec over one container `main`. */
export function pod(spec: Partial<Pod["spec"]> = {}, metadata: Partial<Pod["metadata"]> = {}): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web", namespace: "default", uid: "u1", ...metadata },
    spec: { containers: [container("main")], restartPolicy: "Always", ...spec },
    status: {},
  };
}

export function container(name: string, change: Partial<Container> = {}): Container {
  return { name, image: "host", ...change };
}

export function sandbox(change: Partial<PodSandboxStatus> = {}): PodSandboxStatus {
  return {
    id: "s0",
    metadata: { name: "web", namespace: "default", uid: "u1", attempt: 0 },
    state: "SANDBOX_READY",
    createdAtMs: 0,
    labels: {},
    annotations: {},
    network: { ip: "10.244.1.2", additionalIps: [] },
    namespaceOptions: { network: "POD", pid: "CONTAINER", ipc: "POD" },
    ...change,
  };
}

/** An instance of a container, written as `running`, `created`, `exited 1`. */
export function instance(name: string, how: string, change: Partial<RuntimeContainer> = {}): RuntimeContainer {
  const [state, code] = how.split(" ") as [RuntimeContainer["state"], string | undefined];
  return {
    id: `${name}-id`,
    sandboxId: "s0",
    name,
    state,
    image: "host",
    imageId: "flotilla://host",
    hash: hashContainer(container(name)),
    restartCount: 0,
    createdAtMs: 1_000,
    startedAtMs: state === "created" ? 0 : 2_000,
    finishedAtMs: state === "exited" ? 3_000 : 0,
    exitCode: Number(code ?? 0),
    reason: state === "exited" ? (code === "0" ? "Completed" : "Error") : "",
    message: "",
    logPath: "/dev/null",
    ...change,
  };
}

export function runtimePod(
  containers: readonly RuntimeContainer[],
  sandboxes: readonly PodSandboxStatus[] = [sandbox()],
): RuntimePod {
  return { ref: { namespace: "default", name: "web", uid: "u1" }, sandboxes, containers };
}

/** No probe has anything against anybody. */
export const content: ProbeVerdicts = {
  liveness: () => undefined,
  startup: () => undefined,
  started: (one) => one.state === "running",
};
