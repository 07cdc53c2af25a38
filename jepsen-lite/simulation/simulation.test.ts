import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { Chance } from "./chance.ts";
import type { Cluster } from "./cluster.ts";
import { hold } from "./hold.ts";
import { everything, formatMask, parseMask } from "./mask.ts";
import { Leak, poisoned } from "./poison.ts";
import { run } from "./run.ts";
import { shrink } from "./shrink.ts";
import { type Owner, Timeline } from "./timeline.ts";

const flotilla = new URL("../../cli/flotilla.ts", import.meta.url).pathname;

const seconds = 5;

/** The hash of a seed's run in a process of its own. */
async function hashOf(seed: number, ...flags: string[]): Promise<string> {
  const call = promisify(execFile);
  const { stdout } = await call(process.execPath, [
    ...flags,
    "--disable-warning=ExperimentalWarning",
    flotilla,
    "sim",
    "--seed",
    `${seed}`,
    "--seconds",
    `${seconds}`,
    "--hash",
  ]);
  return stdout.trim();
}

describe("a run", () => {
  test("is the same in two processes, and in one that compiles nothing; that of another seed is another", {
    timeout: 60_000,
  }, async () => {
    const here = await run({ seed: 7, seconds });
    const [there, interpreted] = await Promise.all([hashOf(7), hashOf(7, "--no-opt")]);
    expect(there).toBe(here.hash);
    expect(interpreted).toBe(here.hash);
    expect((await run({ seed: 8, seconds })).hash).not.toBe(here.hash);
  });

  test("fails if anything in it asks the machine for the time, for chance or for a timer", async () => {
    const leaks: string[] = [];
    const asked = [() => Date.now(), () => new Date(), () => Math.random(), () => setTimeout(() => undefined, 1)];
    await poisoned(
      (leak) => leaks.push(leak.message),
      async () => {
        for (const ask of asked) expect(ask).toThrow(Leak);
      },
    );
    expect(leaks).toHaveLength(asked.length);
    expect(Date.now()).toBeGreaterThan(0);
  });
});

describe("time", () => {
  const owner: Owner = { number: 1, alive: true, blockedUntilUs: 0 };

  test("jumps from event to event, in order, and promises come to rest in between", async () => {
    const timeline = new Timeline();
    const seen: string[] = [];
    timeline.after(2_000_000, owner, "timer", () => seen.push(`late ${timeline.nowUs}`));
    timeline.after(10, owner, "timer", async () => {
      for (let step = 0; step < 5; step++) await undefined;
      seen.push(`promise ${timeline.nowUs}`);
    });
    timeline.after(10, owner, "timer", () => seen.push(`next ${timeline.nowUs}`));
    await timeline.run(3_000_000, () => undefined);
    expect(seen).toEqual(["promise 10", "next 10", "late 2000000"]);
    expect(timeline.nowUs).toBe(3_000_000);
  });

  test("does nothing to who is gone, and waits for who stands still", async () => {
    const timeline = new Timeline();
    const gone = { number: 2, alive: false, blockedUntilUs: 0 };
    const still = { number: 3, alive: true, blockedUntilUs: 500 };
    const seen: string[] = [];
    timeline.after(1, gone, "timer", () => seen.push("gone"));
    timeline.after(1, still, "timer", () => seen.push(`still ${timeline.nowUs}`));
    timeline.after(2, still, "timer", () => seen.push(`after it ${timeline.nowUs}`));
    await timeline.run(1000, () => undefined);
    expect(seen).toEqual(["still 500", "after it 500"]);
  });
});

test("streams of chance are independent: what one draws moves no other's numbers", () => {
  const draw = (used: number) => {
    const chance = new Chance(42);
    const one = chance.split("one");
    for (let i = 0; i < used; i++) one.bits();
    return Array.from({ length: 5 }, () => chance.split("two").bits());
  };
  expect(draw(0)).toEqual(draw(100));
  const mean = Array.from(
    { length: 20_000 },
    (
      (chance) => () =>
        chance.exponential(1000)
    )(new Chance(1)),
  );
  expect(mean.reduce((sum, drawn) => sum + drawn, 0) / mean.length).toBeCloseTo(1000, -2);
});

describe("a seed that breaks something", () => {
  /** As if it were a bug of the store's: two who are down at the same time. */
  const watch = {
    look({ members }: Cluster) {
      const down = members.filter(({ isUp, process }) => !isUp && process !== undefined);
      hold(down.length < 2, "two are not down at a time", () => down.map(({ name }) => name).join());
    },
  };
  const seed = 17;

  test("is shrunk to the faults that it takes, and a line repeats what is left", { timeout: 60_000 }, async () => {
    const whole = await run({ seed, seconds: 20, watch });
    expect(whole.violation?.property).toBe("two are not down at a time");
    const { seconds, mask, report } = await shrink({ seed, seconds: 20, watch }, { runs: 150, isOver: () => false });
    const faults = mask.faults ?? [];
    expect(report.violation?.property).toBe("two are not down at a time");
    expect(faults.length).toBeLessThan(whole.happened.length);
    expect(seconds).toBeLessThan(20);

    const again = await run({ seed, seconds, mask: parseMask(formatMask(mask)), watch });
    expect(again.hash).toBe(report.hash);
    for (const left of faults) {
      const others = { ...mask, faults: faults.filter((number) => number !== left) };
      const { violation } = await run({ seed, seconds, mask: others, watch });
      expect(violation?.property).not.toBe("two are not down at a time");
    }
  });

  test("goes on drawing the same for what is left in", async () => {
    const whole = await run({ seed, seconds: 5 });
    const numbers = whole.happened.map(({ number }) => number);
    const half = numbers.slice(0, Math.ceil(numbers.length / 2));
    const { happened } = await run({ seed, seconds: 5, mask: { ...everything, faults: half } });
    expect(happened).toEqual(whole.happened.slice(0, half.length));
  });
});

test.each(["faults=3+7,clients=1,members=3,workload=bank,calm=loss+clogs", "faults=none", ""])(
  "a mask is text: %s",
  (text) => {
    expect(formatMask(parseMask(text))).toBe(text);
  },
);

test.each(["faults=x", "people=3", "workload=leisure", "calm=sea"])("what is no mask is refused: %s", (text) => {
  expect(() => parseMask(text)).toThrow("the mask cannot be read");
});
