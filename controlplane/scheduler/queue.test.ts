import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../base/mod.ts";
import { filterPlugins } from "./plugins/mod.ts";
import { podInfo } from "./pod-info.ts";
import { SchedulingQueue } from "./queue.ts";
import { aNode, aPod } from "./scheduler.testing.ts";

function queue() {
  const clock = new VirtualClock();
  return { clock, waiting: new SchedulingQueue(clock, filterPlugins) };
}

async function nameOfNext(waiting: SchedulingQueue): Promise<string | undefined> {
  return (await waiting.next())?.pod.pod.metadata.name;
}

describe("the scheduling queue", () => {
  test("gives higher priority first, then who came first", async () => {
    const { clock, waiting } = queue();
    for (const [name, priority] of [
      ["a", 0],
      ["b", 5],
      ["c", 0],
      ["d", 5],
    ] as const) {
      waiting.add(podInfo(aPod(name, { priority })));
      clock.advance(1);
    }
    expect([
      await nameOfNext(waiting),
      await nameOfNext(waiting),
      await nameOfNext(waiting),
      await nameOfNext(waiting),
    ]).toEqual(["b", "d", "a", "c"]);
  });

  test("an unschedulable pod waits for an event that may help what rejected it, and then for its back-off", async () => {
    const { clock, waiting } = queue();
    waiting.add(podInfo(aPod("p", { nodeSelector: { disk: "ssd" } })));
    const entry = await waiting.next();
    waiting.park(entry as NonNullable<typeof entry>, new Set(["NodeAffinity"]));
    waiting.onEvent({ kind: "NodeAdd", node: aNode("hdd") });
    expect(waiting.size).toEqual({ active: 0, backOff: 0, unschedulable: 1 });
    waiting.onEvent({ kind: "NodeAdd", node: aNode("ssd", { labels: { disk: "ssd" } }) });
    expect(waiting.size).toEqual({ active: 0, backOff: 1, unschedulable: 0 });
    clock.advance(999);
    expect(waiting.size.active).toBe(0);
    clock.advance(1);
    expect(waiting.size.active).toBe(1);
  });

  test("an event that comes while a pod is tried is not lost", async () => {
    const { waiting } = queue();
    waiting.add(podInfo(aPod("p")));
    const entry = await waiting.next();
    waiting.onEvent({ kind: "NodeAdd", node: aNode("new") });
    waiting.park(entry as NonNullable<typeof entry>, new Set(["NodeResourcesFit"]));
    expect(waiting.size).toEqual({ active: 0, backOff: 1, unschedulable: 0 });
  });

  test("back-off doubles from one second to ten", async () => {
    const { clock, waiting } = queue();
    waiting.add(podInfo(aPod("p")));
    const delays: number[] = [];
    for (let i = 0; i < 6; i++) {
      const entry = await waiting.next();
      waiting.retry(entry as NonNullable<typeof entry>);
      let waited = 0;
      for (; waiting.size.active === 0; waited += 1000) clock.advance(1000);
      delays.push(waited);
    }
    expect(delays).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000]);
  });

  test("a pod without any event is tried again after five minutes", async () => {
    const { clock, waiting } = queue();
    waiting.add(podInfo(aPod("p")));
    const entry = await waiting.next();
    waiting.park(entry as NonNullable<typeof entry>, new Set(["NodeName"]));
    clock.advance(5 * 60_000 - 1);
    expect(waiting.size.unschedulable).toBe(1);
    clock.advance(30_000);
    expect(waiting.size.active).toBe(1);
  });

  test("a pod that is deleted while it waits is never given out", async () => {
    const { waiting } = queue();
    waiting.add(podInfo(aPod("gone")));
    waiting.add(podInfo(aPod("here")));
    waiting.remove("default/gone");
    expect(await nameOfNext(waiting)).toBe("here");
  });
});
