import { seededRandom } from "../../base/mod.ts";
import { type Completion, type Json, Recorder } from "../history/mod.ts";
import type { Anomaly, ClockSample, LeaderChange, Run, SimulatedMessage } from "./run.ts";

export interface SampleOptions {
  readonly seed: number;
  readonly operations: number;
  readonly clients?: number;
  readonly seconds?: number;
}

/** A run that might have been: a register's clients, whose requests take longer and fail more while the nemesis is at work. */
export function sampleRun({ seed, operations, clients = 6, seconds = 30 }: SampleOptions): Run {
  const random = seededRandom(seed);
  const endNs = seconds * 1e9;
  const faults = faultTimes(endNs);
  const broken = (ns: number) => faults.some(({ fromNs, toNs }) => ns >= fromNs && ns < toNs);
  let now = 0;
  const recorder = new Recorder({ nowNs: () => now, clients });
  const everyNs = (endNs * clients) / Math.max(1, operations);
  const next = Array.from({ length: clients }, () => ({
    atNs: random.below(everyNs),
    startNs: 0,
    complete: undefined as (() => void) | undefined,
  }));
  const pending: { atNs: number; f: string; value: Json }[] = faults.flatMap(({ fromNs, toNs, start, stop, value }) => [
    { atNs: fromNs, f: start, value },
    { atNs: toNs, f: stop, value: null },
  ]);
  pending.sort((a, b) => a.atNs - b.atNs);
  for (let invoked = 0; invoked < operations || next.some(({ complete }) => complete); ) {
    let client = 0;
    for (let at = 1; at < clients; at++) if (next[at]!.atNs < next[client]!.atNs) client = at;
    const mine = next[client]!;
    while (pending[0] !== undefined && pending[0].atNs <= mine.atNs) {
      const { atNs, f, value } = pending.shift()!;
      now = atNs;
      recorder.nemesis("invoke", f, value);
      recorder.nemesis("info", f, value);
    }
    now = mine.atNs;
    if (mine.complete !== undefined) {
      mine.complete();
      mine.complete = undefined;
      mine.atNs = Math.max(now, mine.startNs + Math.round(everyNs / 2) + random.below(everyNs));
      continue;
    }
    if (invoked++ >= operations) {
      mine.atNs = Number.POSITIVE_INFINITY;
      continue;
    }
    const slow = broken(now);
    const latencyNs = 400_000 + 1.6e6 * (1 + random.below(1000) / 300) ** (slow ? 4 : 1);
    mine.startNs = now;
    mine.complete = begin(recorder, client, random, slow);
    mine.atNs += Math.round(Math.min(latencyNs, everyNs * (slow ? 2 : 0.9)));
  }
  return {
    history: recorder.events,
    manifest: {
      ...{
        version: "0.1.0",
        seed,
        nodeVersion: "v24.21.0",
        command: `flotilla sim --seed ${seed} --workload register`,
      },
      config: { workload: "register", clients, members: 3, seconds, faults: ["partition", "kill", "clock"] },
    },
    verdict: {
      valid: true,
      checkers: [
        {
          valid: true,
          checker: "linearizability",
          summary: `Valid: ${operations} operations were judged.`,
          anomalies: [],
          figures: { keys: 8, steps: operations * 3 },
        },
        { valid: true, checker: "vacuity", summary: "Valid: 3 faults were judged.", anomalies: [] },
      ],
    },
    ...observations(random, faults, endNs),
  };
}

function begin(recorder: Recorder, client: number, random: ReturnType<typeof seededRandom>, slow: boolean): () => void {
  const key = `k${random.below(8)}`;
  const value = random.below(1000);
  const version = random.below(5000);
  const f = (["read", "read", "write", "cas"] as const)[random.below(4)]!;
  const inputs = { read: { key }, write: { key, value }, cas: { key, from: value, to: value + 1 } };
  const input: { readonly [name: string]: Json } = { ...inputs[f] };
  const complete: Completion = recorder.invoke(client, f, input);
  const dice = random.below(100);
  return () => {
    if (slow && dice < 30 && f !== "read")
      complete("info", undefined, {
        class: "unavailable",
        text: "etcdserver: request timed out, possibly due to connection lost",
      });
    else if (slow && dice < 40) complete("fail", undefined, { class: "no-leader", text: "etcdserver: no leader" });
    else if (f === "cas" && dice < 60)
      complete("fail", undefined, { class: "mismatch", text: "another value was there" });
    else complete("ok", { ...input, ...(f === "read" && { value }), version });
  };
}

interface Fault {
  readonly start: string;
  readonly stop: string;
  readonly value: Json;
  readonly fromNs: number;
  readonly toNs: number;
}

function faultTimes(endNs: number): Fault[] {
  const during = (from: number, to: number) => ({ fromNs: Math.round(endNs * from), toNs: Math.round(endNs * to) });
  return [
    {
      start: "start-partition",
      stop: "stop-partition",
      value: { from: ["m0"], to: ["m1", "m2"] },
      ...during(0.18, 0.34),
    },
    { start: "kill", stop: "start", value: ["m1"], ...during(0.45, 0.52) },
    { start: "start-clock", stop: "stop-clock", value: { node: "m2", offsetMs: 340 }, ...during(0.62, 0.8) },
  ];
}

function observations(random: ReturnType<typeof seededRandom>, faults: readonly Fault[], endNs: number) {
  const leaders: LeaderChange[] = [{ timeNs: 0, leader: null }];
  for (const [at, timeNs] of [endNs * 0.01, faults[0]!.fromNs + 1e9, faults[1]!.fromNs + 1.2e9].entries()) {
    leaders.push({ timeNs: Math.max(timeNs - 8e8, 1e7), leader: null }, { timeNs, leader: `m${at}`, term: at + 2 });
  }
  const clocks: ClockSample[] = [];
  const messages: SimulatedMessage[] = [];
  const clock = faults[2]!;
  for (let at = 0; at < 120; at++) {
    const timeNs = (endNs * at) / 120;
    for (const node of ["m0", "m1", "m2"]) {
      const skewed = node === "m2" && timeNs >= clock.fromNs && timeNs < clock.toNs;
      clocks.push({ timeNs, node, offsetMs: (skewed ? 340 : 0) + random.below(60) / 10 - 3 });
    }
  }
  for (let at = 0; at < 900; at++) {
    const [from, to] = [random.below(3), 1 + random.below(2)];
    const sentNs = Math.round((endNs * at) / 900);
    const lost = random.below(12) === 0;
    const type = ["MsgApp", "MsgAppResp", "MsgHeartbeat", "MsgVote"][random.below(4)]!;
    messages.push({
      sentNs,
      ...(!lost && { deliveredNs: sentNs + 3e6 }),
      from: `m${from}`,
      to: `m${(from + to) % 3}`,
      type,
      text: `${at}/${at - 1}`,
    });
  }
  return { leaders: leaders.sort((a, b) => a.timeNs - b.timeNs), clocks, messages };
}

/** The same run, as one in which two things were seen that cannot be. */
export function withAnomalies(run: Run): Run {
  const invoked = run.history
    .filter(({ type, process }) => type === "invoke" && process !== "nemesis")
    .map(({ index }) => index);
  const [a, b, c, d, e] = invoked.slice(Math.floor(invoked.length * 0.3)) as [number, number, number, number, number];
  const cycle: Anomaly = {
    kind: "G-single",
    explanation: `Each of these transactions has to be before the next, and the last before the first.\nOne of the three steps is an anti-dependency, so snapshot isolation does not allow it either.`,
    operations: [a, c, e],
    cycle: [
      { from: a, to: c, kind: "wr", because: "the second read what the first wrote to k3" },
      { from: c, to: e, kind: "ww", because: "the third wrote the version of k1 after the second's" },
      { from: e, to: a, kind: "rw", because: "the first read k1 as it was before the third wrote it" },
    ],
  };
  const stale: Anomaly = {
    kind: "stale-read",
    explanation: "The read of k5 returned version 12, although version 13 was acknowledged before it was invoked.",
    operations: [b, d],
  };
  return {
    ...run,
    verdict: {
      valid: false,
      checkers: [
        ...run.verdict.checkers,
        { valid: false, checker: "list-append", summary: "Invalid: G-single.", anomalies: [cycle] },
        {
          valid: false,
          checker: "stale-reads",
          summary: `Invalid: stale-read. ${stale.explanation}`,
          anomalies: [stale],
        },
        {
          valid: "unknown",
          checker: "lease-bounds",
          summary: "Unknown: there are no leases in this history to judge.",
          anomalies: [],
        },
      ],
    },
  };
}
