import { describe, expect, test } from "vitest";
import type { Pod } from "../../../controlplane/api/mod.ts";
import { computePodActions, type ProbeVerdicts } from "./actions.ts";
import { container, content, instance, pod, runtimePod, sandbox } from "./pod.testing.ts";
import type { RuntimePod } from "./runtime-pod.ts";

/** The plan in words: what is killed, made and started, in order. */
function plan(wanted: Pod, found: RuntimePod, probes: ProbeVerdicts = content): string {
  const actions = computePodActions(wanted, found, probes);
  return [
    ...(actions.killPod ? ["kill pod"] : []),
    ...actions.kill.map((one) => `kill ${one.container.name}`),
    ...(actions.createSandbox ? [`sandbox ${actions.attempt}`] : []),
    ...actions.startEphemeral.map(({ name }) => `ephemeral ${name}`),
    ...actions.startInit.map(({ name }) => `init ${name}`),
    ...actions.start.map(({ name }) => `start ${name}`),
  ].join(", ");
}

const two = [container("a"), container("b")];

describe("a new pod", () => {
  test("gets a sandbox and its containers", () => {
    expect(plan(pod({ containers: two }), runtimePod([], []))).toBe("sandbox 0, start a, start b");
  });

  test("starts with its first init container alone", () => {
    const wanted = pod({ initContainers: [container("i1"), container("i2")], containers: two });
    expect(plan(wanted, runtimePod([], []))).toBe("sandbox 0, init i1");
  });
});

describe("a pod that runs", () => {
  test("is left alone", () => {
    expect(plan(pod(), runtimePod([instance("main", "running")]))).toBe("");
  });

  test.each([
    ["Always", "exited 0", "start main"],
    ["Always", "exited 1", "start main"],
    ["OnFailure", "exited 0", "kill pod"],
    ["OnFailure", "exited 1", "start main"],
    ["Never", "exited 0", "kill pod"],
    ["Never", "exited 1", "kill pod"],
  ] as const)("restartPolicy %s and a container that %s: %s", (restartPolicy, how, expected) => {
    expect(plan(pod({ restartPolicy }), runtimePod([instance("main", how)]))).toBe(expected);
  });

  test("restarts only the container that ended", () => {
    const found = runtimePod([instance("a", "running"), instance("b", "exited 1")]);
    expect(plan(pod({ containers: two }), found)).toBe("start b");
    expect(plan(pod({ containers: two, restartPolicy: "Never" }), found)).toBe("");
  });

  test("a container that was made but never ran is replaced", () => {
    expect(plan(pod(), runtimePod([instance("main", "created")]))).toBe("kill main, start main");
  });

  test("a changed image restarts the container whatever the policy", () => {
    const wanted = pod({ containers: [container("main", { image: "host:latest" })], restartPolicy: "Never" });
    expect(plan(wanted, runtimePod([instance("main", "running")]))).toBe("kill main, start main");
  });

  test("a failed liveness or startup probe restarts, but not under Never", () => {
    const dead = { ...content, liveness: () => "failure" as const };
    const slow = { ...content, startup: () => "failure" as const };
    const found = runtimePod([instance("main", "running")]);
    expect(plan(pod(), found, dead)).toBe("kill main, start main");
    expect(plan(pod(), found, slow)).toBe("kill main, start main");
    // Nothing runs and nothing will: the whole pod is over.
    expect(plan(pod({ restartPolicy: "Never" }), found, dead)).toBe("kill pod");
  });

  test("says why it kills", () => {
    const dead = { ...content, liveness: () => "failure" as const };
    const [first] = computePodActions(pod(), runtimePod([instance("main", "running")]), dead).kill;
    expect(first?.message).toBe("Container main failed liveness probe, will be restarted");
  });
});

describe("a sandbox that is lost", () => {
  const lost = sandbox({ state: "SANDBOX_NOTREADY" });

  test("is made anew with all containers", () => {
    const found = runtimePod([instance("a", "exited 137"), instance("b", "exited 137")], [lost]);
    expect(plan(pod({ containers: two }), found)).toBe("kill pod, sandbox 1, start a, start b");
  });

  test("without those that have succeeded under OnFailure", () => {
    const found = runtimePod([instance("a", "exited 0"), instance("b", "exited 137")], [lost]);
    expect(plan(pod({ containers: two, restartPolicy: "OnFailure" }), found)).toBe("kill pod, sandbox 1, start b");
  });

  test("not at all under Never once something ran, nor when all have succeeded", () => {
    const found = runtimePod([instance("main", "exited 0")], [lost]);
    expect(plan(pod({ restartPolicy: "Never" }), found)).toBe("kill pod");
    expect(plan(pod({ restartPolicy: "OnFailure" }), found)).toBe("kill pod");
  });

  test("a sandbox without address is replaced, one of the node's network needs none", () => {
    expect(plan(pod(), runtimePod([], [sandbox({ network: undefined })]))).toBe("kill pod, sandbox 1, start main");
    const node = sandbox({ network: undefined, namespaceOptions: { network: "NODE", pid: "CONTAINER", ipc: "POD" } });
    expect(plan(pod({ hostNetwork: true }), runtimePod([], [node]))).toBe("start main");
  });
});

describe("init containers", () => {
  const wanted = (restartPolicy: "Always" | "OnFailure" | "Never") =>
    pod({ initContainers: [container("i1"), container("i2")], restartPolicy });

  test.each([
    ["the first runs", [instance("i1", "running")], "Always", ""],
    ["the first is done", [instance("i1", "exited 0")], "Always", "init i2"],
    ["the first failed", [instance("i1", "exited 1")], "Always", "init i1"],
    ["the first failed for good", [instance("i1", "exited 1")], "Never", "kill pod"],
    ["both are done", [instance("i2", "exited 0"), instance("i1", "exited 0")], "Always", "start main"],
    ["all runs and the first was collected", [instance("main", "running"), instance("i2", "exited 0")], "Always", ""],
  ] as const)("%s", (_what, found, restartPolicy, expected) => {
    expect(plan(wanted(restartPolicy), runtimePod(found))).toBe(expected);
  });
});

describe("sidecars", () => {
  const wanted = pod({ initContainers: [container("side", { restartPolicy: "Always" }), container("i2")] });

  test("the next waits until the sidecar has started", () => {
    const found = runtimePod([instance("side", "running")]);
    expect(plan(wanted, found, { ...content, started: () => false })).toBe("");
    expect(plan(wanted, found)).toBe("init i2");
  });

  test("restart beside running containers, whatever the policy", () => {
    const found = runtimePod([instance("main", "running"), instance("i2", "exited 0"), instance("side", "exited 0")]);
    expect(plan({ ...wanted, spec: { ...wanted.spec, restartPolicy: "Never" } }, found)).toBe("init side");
  });

  test("do not keep a finished pod alive", () => {
    const found = runtimePod([instance("main", "exited 0"), instance("i2", "exited 0"), instance("side", "running")]);
    expect(plan({ ...wanted, spec: { ...wanted.spec, restartPolicy: "Never" } }, found)).toBe("kill pod");
  });
});

describe("an ephemeral container", () => {
  const debugged = (change: Partial<Pod["spec"]> = {}) => pod({ ephemeralContainers: [{ name: "debug" }], ...change });

  test("starts beside what runs, also while the pod initialises", () => {
    expect(plan(debugged(), runtimePod([instance("main", "running")]))).toBe("ephemeral debug");
    const initialising = debugged({ initContainers: [container("i")] });
    expect(plan(initialising, runtimePod([instance("i", "running")]))).toBe("ephemeral debug");
  });

  test("starts once and is never part of a pod's beginning", () => {
    expect(plan(debugged(), runtimePod([], []))).toBe("sandbox 0, start main");
    const ended = runtimePod([instance("main", "running"), instance("debug", "exited 1")]);
    expect(plan(debugged(), ended)).toBe("");
  });

  test("keeps no pod alive", () => {
    const found = runtimePod([instance("main", "exited 0"), instance("debug", "running")]);
    expect(plan(debugged({ restartPolicy: "Never" }), found)).toBe("kill pod");
  });
});
