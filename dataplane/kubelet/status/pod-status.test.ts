import { describe, expect, test } from "vitest";
import type { Pod, PodStatus } from "../../../controlplane/api/mod.ts";
import { container, instance, pod, runtimePod, sandbox } from "../pod/pod.testing.ts";
import type { RuntimePod } from "../pod/runtime-pod.ts";
import type { StartFailure } from "./container-statuses.ts";
import { podStatus, terminatedStatus } from "./pod-status.ts";
import { statusPatch } from "./status-patch.ts";

const nowMs = Date.UTC(2030, 0, 1);

interface Change {
  readonly previous?: PodStatus;
  readonly terminal?: boolean;
  readonly failures?: Readonly<Record<string, StartFailure>>;
  readonly ready?: boolean;
}

function status(wanted: Pod, found: RuntimePod, change: Change = {}): PodStatus {
  return podStatus({
    pod: wanted,
    runtimePod: found,
    previous: change.previous ?? {},
    hostIP: "172.30.0.11",
    runtimeName: "flotilla",
    nowMs,
    terminal: change.terminal ?? false,
    failure: (name) => change.failures?.[name],
    probes: {
      started: ({ state }) => state === "running",
      ready: ({ state }) => state === "running" && change.ready !== false,
    },
  });
}

const conditions = (of: PodStatus) =>
  Object.fromEntries(
    (of.conditions ?? []).map((one) => [
      one.type,
      one.reason === undefined ? one.status : `${one.status} ${one.reason}`,
    ]),
  );

const two = [container("a"), container("b")];
const crash: StartFailure = { reason: "CrashLoopBackOff", message: "back-off 10s" };

describe("phase", () => {
  test.each([
    ["nothing yet", "Always", [], "Pending"],
    ["one of two runs", "Always", [instance("a", "running")], "Pending"],
    ["both run", "Always", [instance("a", "running"), instance("b", "running")], "Running"],
    ["one runs, one failed", "Never", [instance("a", "running"), instance("b", "exited 1")], "Running"],
    ["both ended, Always", "Always", [instance("a", "exited 0"), instance("b", "exited 1")], "Running"],
    ["both succeeded, Never", "Never", [instance("a", "exited 0"), instance("b", "exited 0")], "Succeeded"],
    ["both succeeded, OnFailure", "OnFailure", [instance("a", "exited 0"), instance("b", "exited 0")], "Succeeded"],
    ["one failed, Never", "Never", [instance("a", "exited 0"), instance("b", "exited 1")], "Failed"],
    ["one failed, OnFailure", "OnFailure", [instance("a", "exited 0"), instance("b", "exited 1")], "Running"],
  ] as const)("%s", (_what, restartPolicy, found, expected) => {
    expect(status(pod({ containers: two, restartPolicy }), runtimePod(found)).phase).toBe(expected);
  });

  test("a container in back-off counts as stopped, one that never started as waiting", () => {
    const found = runtimePod([instance("a", "running"), instance("b", "exited 1")]);
    expect(status(pod({ containers: two }), found, { failures: { b: crash } }).phase).toBe("Running");
    const never = runtimePod([instance("a", "running")]);
    expect(
      status(pod({ containers: two }), never, { failures: { b: { reason: "ErrImagePull", message: "" } } }).phase,
    ).toBe("Pending");
  });

  test("when everything was told to end, exit codes decide", () => {
    const found = runtimePod([instance("main", "exited 137")]);
    expect(status(pod(), found, { terminal: true }).phase).toBe("Failed");
    expect(status(pod(), runtimePod([instance("main", "exited 0")]), { terminal: true }).phase).toBe("Succeeded");
  });

  test("a phase that ended a pod is never taken back", () => {
    for (const phase of ["Succeeded", "Failed"] as const) {
      expect(status(pod(), runtimePod([instance("main", "running")]), { previous: { phase } }).phase).toBe(phase);
    }
  });

  test("init containers hold it back, and end it under Never", () => {
    const wanted = (restartPolicy: "Always" | "Never") => pod({ initContainers: [container("i")], restartPolicy });
    expect(status(wanted("Always"), runtimePod([instance("i", "running")])).phase).toBe("Pending");
    expect(status(wanted("Always"), runtimePod([instance("i", "exited 1")])).phase).toBe("Pending");
    expect(status(wanted("Never"), runtimePod([instance("i", "exited 1")])).phase).toBe("Failed");
  });

  test("sidecars hold it back until they started, and say nothing about its end", () => {
    const wanted = pod({ initContainers: [container("s", { restartPolicy: "Always" })], restartPolicy: "Never" });
    expect(status(wanted, runtimePod([])).phase).toBe("Pending");
    const over = runtimePod([instance("s", "exited 143"), instance("main", "exited 0")]);
    expect(status(wanted, over).phase).toBe("Succeeded");
  });
});

describe("conditions", () => {
  test("of a pod that has just been bound", () => {
    const told = status(pod(), runtimePod([], []));
    expect(conditions(told)).toEqual({
      PodScheduled: "True",
      PodReadyToStartContainers: "False",
      Initialized: "True",
      ContainersReady: "False ContainersNotReady",
      Ready: "False ContainersNotReady",
    });
    expect(told.conditions?.find(({ type }) => type === "Ready")?.message).toBe(
      "containers with unready status: [main]",
    );
    expect(told.containerStatuses?.[0]?.state).toEqual({ waiting: { reason: "ContainerCreating" } });
  });

  test("of a pod that serves", () => {
    expect(conditions(status(pod(), runtimePod([instance("main", "running")])))).toEqual({
      PodScheduled: "True",
      PodReadyToStartContainers: "True",
      Initialized: "True",
      ContainersReady: "True",
      Ready: "True",
    });
  });

  test("of a pod whose init container runs", () => {
    const told = status(pod({ initContainers: [container("i")] }), runtimePod([instance("i", "running")]));
    expect(conditions(told).Initialized).toBe("False ContainersNotInitialized");
    expect(told.conditions?.find(({ type }) => type === "Initialized")?.message).toBe(
      "containers with incomplete status: [i]",
    );
    expect(told.containerStatuses?.[0]?.state).toEqual({ waiting: { reason: "PodInitializing" } });
  });

  test("of a pod that has succeeded or failed", () => {
    const wanted = pod({ restartPolicy: "Never" });
    const done = conditions(status(wanted, runtimePod([instance("main", "exited 0")])));
    expect(done).toMatchObject({
      Ready: "False PodCompleted",
      ContainersReady: "False PodCompleted",
      Initialized: "True PodCompleted",
    });
    expect(conditions(status(wanted, runtimePod([instance("main", "exited 1")]))).Ready).toBe("False PodFailed");
  });

  test("readiness gates are waited for", () => {
    const wanted = pod({ readinessGates: [{ conditionType: "x.io/lb" }] });
    const told = status(wanted, runtimePod([instance("main", "running")]));
    expect(conditions(told)).toMatchObject({ ContainersReady: "True", Ready: "False ReadinessGatesNotReady" });
  });

  test("what did not change keeps its time, what others wrote stays", () => {
    const before: PodStatus = {
      conditions: [
        { type: "Ready", status: "False", lastTransitionTime: "2029-01-01T00:00:00Z" },
        { type: "PodScheduled", status: "True", lastTransitionTime: "2029-01-01T00:00:00Z" },
        { type: "x.io/lb", status: "True" },
      ],
    };
    const told = status(pod(), runtimePod([instance("main", "running")]), { previous: before });
    const at = (type: string) => told.conditions?.find((one) => one.type === type)?.lastTransitionTime;
    expect(at("Ready")).toBe("2030-01-01T00:00:00Z");
    expect(at("PodScheduled")).toBe("2029-01-01T00:00:00Z");
    expect(conditions(told)["x.io/lb"]).toBe("True");
  });
});

describe("container statuses", () => {
  test("a crash loop waits with its reason, and shows how it ended before", () => {
    const found = runtimePod([instance("main", "exited 3", { restartCount: 2 })]);
    const [told] = status(pod(), found, { failures: { main: crash } }).containerStatuses ?? [];
    expect(told).toMatchObject({
      restartCount: 2,
      ready: false,
      started: false,
      state: { waiting: { reason: "CrashLoopBackOff", message: "back-off 10s" } },
      lastState: {
        terminated: {
          exitCode: 3,
          reason: "Error",
          startedAt: "1970-01-01T00:00:02Z",
          finishedAt: "1970-01-01T00:00:03Z",
        },
      },
    });
  });

  test("a restarted container shows its predecessor", () => {
    const found = runtimePod([
      instance("main", "running", { id: "new", restartCount: 1, createdAtMs: 5_000 }),
      instance("main", "exited 1", { id: "old" }),
    ]);
    const [told] = status(pod(), found).containerStatuses ?? [];
    expect(told).toMatchObject({
      containerID: "flotilla://new",
      restartCount: 1,
      lastState: { terminated: { containerID: "flotilla://old" } },
    });
  });

  test("a running container that vanished is told as such", () => {
    const before: PodStatus = {
      containerStatuses: [
        {
          name: "main",
          image: "host",
          imageID: "",
          ready: true,
          restartCount: 1,
          state: { running: {} },
          lastState: {},
        },
      ],
    };
    const [told] = status(pod(), runtimePod([], [sandbox()]), { previous: before }).containerStatuses ?? [];
    expect(told).toMatchObject({
      restartCount: 2,
      lastState: { terminated: { reason: "ContainerStatusUnknown", exitCode: 137 } },
    });
  });

  test("in the last status nothing runs or waits any more", () => {
    const last = terminatedStatus(status(pod({ containers: two }), runtimePod([instance("a", "exited 0")])));
    expect(last.containerStatuses?.map(({ state }) => state?.terminated?.reason)).toEqual([
      "Completed",
      "ContainerStatusUnknown",
    ]);
  });
});

describe("the patch to the API", () => {
  test("is nothing when nothing changed", () => {
    const told = status(pod(), runtimePod([instance("main", "running")]));
    expect(statusPatch(told, structuredClone(told))).toBeUndefined();
  });

  test("replaces addresses, takes reasons back, leaves foreign conditions out", () => {
    const from = status(pod(), runtimePod([]), {
      previous: { podIP: "10.0.0.9", podIPs: [{ ip: "10.0.0.9" }], conditions: [{ type: "x.io/lb", status: "True" }] },
    });
    const to = status(pod(), runtimePod([instance("main", "running")]));
    const patch = statusPatch({ ...from, podIPs: [{ ip: "10.0.0.9" }] }, to) as {
      podIPs: unknown;
      conditions: { type: string; reason: unknown }[];
    };
    expect(patch.podIPs).toEqual([{ $patch: "replace" }, { ip: "10.244.1.2" }]);
    expect(patch.conditions.find(({ type }) => type === "Ready")).toMatchObject({ status: "True", reason: null });
    expect(patch.conditions.some(({ type }) => type === "x.io/lb")).toBe(false);
  });
});
