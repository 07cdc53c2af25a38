import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seededRandom, VirtualClock } from "../../../base/mod.ts";
import { Cache } from "../cache.ts";
import { podInfo } from "../pod-info.ts";
import { defaultProfile } from "../profile.ts";
import { Profiles } from "../profiles.ts";
import { aNode, aPod, bound, noObjects } from "../scheduler.testing.ts";
import { Nominator } from "./nominator.ts";
import { type QueuedPod, SchedulingQueue } from "./scheduling-queue.ts";

function setUp() {
  const clock = new VirtualClock();
  const nominator = new Nominator();
  const cluster = new Cache(noObjects, nominator);
  const plugins = new Profiles([defaultProfile()], cluster, seededRandom(1));
  const waiting = new SchedulingQueue({ clock, plugins, cluster });
  const setNode = (node: ReturnType<typeof aNode>) => {
    cluster.setNode(node);
    waiting.onEvent({ kind: "NodeAdd", node });
  };
  const nextOf = async () => (await waiting.next()) as QueuedPod;
  return { clock, cluster, nominator, plugins, waiting, setNode, nextOf };
}

const empty = { active: 0, backOff: 0, unschedulable: 0, gated: 0, inFlight: 0, gone: 0 };

describe("the scheduling queue", () => {
  test("gives higher priority first, then who came first", async () => {
    const { clock, waiting, nextOf } = setUp();
    for (const [name, priority] of Object.entries({ a: 0, b: 5, c: 0, d: 5 })) {
      waiting.set(podInfo(aPod(name, { priority })));
      clock.advance(1);
    }
    const names: string[] = [];
    for (let i = 0; i < 4; i++) names.push((await nextOf()).pod.pod.metadata.name ?? "");
    expect(names).toEqual(["b", "d", "a", "c"]);
  });

  test("an unschedulable pod waits for an event that may help what rejected it, and then for its back-off", async () => {
    const { clock, waiting, setNode, nextOf } = setUp();
    waiting.set(podInfo(aPod("p", { nodeSelector: { disk: "ssd" } })));
    waiting.park(await nextOf(), new Set(["NodeAffinity"]));
    setNode(aNode("hdd"));
    expect(waiting.size).toEqual({ ...empty, unschedulable: 1 });
    setNode(aNode("ssd", { labels: { disk: "ssd" } }));
    expect(waiting.size).toEqual({ ...empty, backOff: 1 });
    clock.advance(999);
    expect(waiting.size.active).toBe(0);
    clock.advance(1);
    expect(waiting.size.active).toBe(1);
  });

  test("a pod that backs off is taken early when nobody else is there, unless an error sent it back", async () => {
    const { waiting, setNode, nextOf } = setUp();
    waiting.set(podInfo(aPod("rejected", { nodeSelector: { disk: "ssd" } })));
    waiting.park(await nextOf(), new Set(["NodeAffinity"]));
    waiting.set(podInfo(aPod("failed")));
    waiting.retry(await nextOf());
    setNode(aNode("ssd", { labels: { disk: "ssd" } }));
    expect((await nextOf()).pod.key).toBe("default/rejected");
    expect(waiting.size).toEqual({ ...empty, inFlight: 1, backOff: 1 });
  });

  test("an event that comes while a pod is tried is not lost", async () => {
    const { waiting, setNode, nextOf } = setUp();
    waiting.set(podInfo(aPod("p")));
    const entry = await nextOf();
    setNode(aNode("new"));
    waiting.park(entry, new Set(["NodeResourcesFit"]));
    expect(waiting.size).toEqual({ ...empty, backOff: 1 });
  });

  test("room on a node brings back only pods that could use it, those that could preempt for the rest included", async () => {
    const { cluster, waiting, setNode, nextOf } = setUp();
    setNode(aNode("n"));
    for (const [name, cpu] of Object.entries({ low: "2", mid: "1", out: "1" })) {
      cluster.setPod(bound(aPod(name, { priority: name === "low" ? 0 : 5 }, { cpu }), "n"));
    }
    for (const [name, cpu, priority] of [
      ["small", "1", 0],
      ["large", "3", 0],
      ["preempts", "3", 5],
      ["hopeless", "3500m", 5],
    ] as const) {
      waiting.set(podInfo(aPod(name, { priority }, { cpu })));
    }
    for (let i = 0; i < 4; i++) waiting.park(await nextOf(), new Set(["NodeResourcesFit"]));
    const pod = bound(aPod("out", { priority: 5 }, { cpu: "1" }), "n");
    cluster.removePod(pod);
    waiting.onEvent({ kind: "AssignedPodDelete", pod, nodeName: "n" });
    const places = ["small", "large", "preempts", "hopeless"].map((name) => waiting.get(`default/${name}`)?.place);
    expect(places).toEqual(["backOff", "unschedulable", "backOff", "unschedulable"]);
  });

  test("room that is promised brings back the pod it is promised to and nobody else, and that only once all of it is there", async () => {
    const { cluster, nominator, waiting, setNode, nextOf } = setUp();
    setNode(aNode("n"));
    const lows = ["one", "two"].map((name) => bound(aPod(name, { priority: 0 }, { cpu: "2" }), "n"));
    for (const low of lows) cluster.setPod(low);
    for (const name of ["promised", "other"]) waiting.set(podInfo(aPod(name, { priority: 5 }, { cpu: "3" })));
    for (let i = 0; i < 2; i++) waiting.park(await nextOf(), new Set(["NodeResourcesFit"]));
    nominator.set(podInfo(aPod("promised", { priority: 5 }, { cpu: "3" })), "n");
    const places: unknown[] = [];
    for (const pod of lows) {
      cluster.removePod(pod);
      waiting.onEvent({ kind: "AssignedPodDelete", pod, nodeName: "n" });
      places.push(["promised", "other"].map((name) => waiting.get(`default/${name}`)?.place));
    }
    expect(places).toEqual([
      ["unschedulable", "unschedulable"],
      ["backOff", "unschedulable"],
    ]);
  });

  test("back-off doubles from one second to ten", async () => {
    const { clock, waiting, nextOf } = setUp();
    waiting.set(podInfo(aPod("p")));
    const delays: number[] = [];
    for (let i = 0; i < 6; i++) {
      waiting.retry(await nextOf());
      let waited = 0;
      for (; waiting.size.active === 0; waited += 1000) clock.advance(1000);
      delays.push(waited);
    }
    expect(delays).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000]);
  });

  test("a pod without any event is tried again after five minutes", async () => {
    const { clock, waiting, nextOf } = setUp();
    waiting.set(podInfo(aPod("p")));
    waiting.park(await nextOf(), new Set(["NodeName"]));
    clock.advance(5 * 60_000 - 1);
    expect(waiting.size.unschedulable).toBe(1);
    clock.advance(30_000);
    expect(waiting.size.active).toBe(1);
  });

  test("a pod with gates is not tried until the last of them is gone", async () => {
    const { waiting, nextOf } = setUp();
    waiting.set(podInfo(aPod("p", { schedulingGates: [{ name: "a" }, { name: "b" }] })));
    waiting.set(podInfo(aPod("p", { schedulingGates: [{ name: "b" }] })));
    expect(waiting.size).toEqual({ ...empty, gated: 1 });
    waiting.set(podInfo(aPod("p")));
    expect((await nextOf()).attempts).toBe(1);
  });

  test("a pod whose tolerations grow is tried again, one whose status changes is not", async () => {
    const { waiting, nextOf } = setUp();
    waiting.set(podInfo(aPod("p")));
    waiting.park(await nextOf(), new Set(["TaintToleration"]));
    waiting.set(podInfo({ ...aPod("p"), status: { phase: "Pending", message: "waits" } }));
    expect(waiting.size.unschedulable).toBe(1);
    waiting.set(podInfo(aPod("p", { tolerations: [{ operator: "Exists" }] })));
    expect(waiting.size.backOff).toBe(1);
  });

  test("a pod that is deleted while it waits is never given out", async () => {
    const { waiting, nextOf } = setUp();
    waiting.set(podInfo(aPod("gone")));
    waiting.set(podInfo(aPod("here")));
    waiting.remove("default/gone");
    expect((await nextOf()).pod.key).toBe("default/here");
  });

  test("no pod is left waiting while there is room for it, whatever comes and goes", async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("pod" as const), cpu: fc.integer({ min: 1, max: 4 }), priority: fc.nat(1) }),
      fc.record({ kind: fc.constant("node" as const), cpu: fc.integer({ min: 1, max: 6 }), cordoned: fc.boolean() }),
      fc.record({ kind: fc.constant("end" as const), which: fc.nat(20) }),
      fc.record({ kind: fc.constant("uncordon" as const), which: fc.nat(5) }),
      fc.record({ kind: fc.constant("try" as const), eventsDuringIt: fc.boolean() }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { clock, cluster, plugins, waiting, setNode } = setUp();
        const profile = plugins.for(aPod("any"));
        if (profile === undefined) throw new Error("the default profile is there");
        const running: { name: string; node: string }[] = [];
        const nodes: ReturnType<typeof aNode>[] = [];
        const pods = new Map<string, ReturnType<typeof aPod>>();
        const end = (which: number) => {
          const [gone] = running.splice(which % Math.max(running.length, 1), 1);
          if (gone === undefined) return;
          const pod = bound(pods.get(gone.name) as ReturnType<typeof aPod>, gone.node);
          cluster.removePod(pod);
          waiting.onEvent({ kind: "AssignedPodDelete", pod, nodeName: gone.node });
        };
        const tryOne = async (during: () => void) => {
          if (waiting.size.active + waiting.size.backOff === 0) return;
          const entry = (await waiting.next()) as QueuedPod;
          const placement = profile.finder.find(entry.pod);
          during();
          if (placement.kind === "unschedulable") return waiting.park(entry, placement.rejectedBy);
          cluster.assume(entry.pod, placement.node.name);
          running.push({ name: entry.pod.pod.metadata.name ?? "", node: placement.node.name });
          waiting.done(entry);
        };
        for (const [i, action] of steps.entries()) {
          if (action.kind === "pod") {
            const pod = aPod(`p${i}`, { priority: action.priority }, { cpu: `${action.cpu}` });
            pods.set(`p${i}`, pod);
            waiting.set(podInfo(pod));
          } else if (action.kind === "node") {
            const node = aNode(`n${i}`, { cpu: `${action.cpu}`, unschedulable: action.cordoned });
            nodes.push(node);
            setNode(node);
          } else if (action.kind === "uncordon") {
            const old = nodes[action.which % Math.max(nodes.length, 1)];
            if (old === undefined) continue;
            const node = { ...old, spec: { ...old.spec, unschedulable: false } };
            nodes[nodes.indexOf(old)] = node;
            cluster.setNode(node);
            waiting.onEvent({ kind: "NodeUpdate", old, node });
          } else if (action.kind === "end") end(action.which);
          else await tryOne(() => action.eventsDuringIt && end(0));
        }
        for (let left = 200; left > 0 && waiting.size.active + waiting.size.backOff > 0; left--) {
          clock.advance(10_000);
          await tryOne(() => undefined);
        }
        for (const name of pods.keys()) {
          const entry = waiting.get(`default/${name}`);
          if (entry !== undefined) expect(profile.finder.find(entry.pod).kind).toBe("unschedulable");
        }
      }),
      { numRuns: 150 },
    );
  });
});
