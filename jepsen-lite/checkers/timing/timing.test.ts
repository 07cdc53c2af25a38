import { describe, expect, it } from "vitest";
import type { EventType, HistoryEvent, Json, Process } from "../../history/mod.ts";
import { elections } from "./elections.ts";
import { leaseBounds } from "./leases.ts";
import { liveness } from "./liveness.ts";
import { locks } from "./locks.ts";

type Given = { at: number; to?: number; process: Process; f: string; asked: Json; got?: Json; type?: EventType };

/** Times in seconds. Without an end, it never completed. */
function history(...operations: readonly Given[]): HistoryEvent[] {
  const events = operations.flatMap(({ at, to, process, f, asked, got, type = "ok" }) => {
    const invoke = { at, process, f, type: "invoke" as EventType, value: asked };
    return to === undefined ? [invoke] : [invoke, { at: to, process, f, type, value: got ?? asked }];
  });
  events.sort((a, b) => a.at - b.at);
  return events.map(({ at, ...event }, index) => ({ index, timeNs: Math.round(at * 1e9), ...event }));
}

const kindsOf = (verdict: { anomalies: readonly { kind: string }[] }) => verdict.anomalies.map(({ kind }) => kind);

describe("leases", () => {
  const id = "7";
  const grant: Given = { at: 0, to: 0.1, process: 0, f: "lease-grant", asked: { id, ttl: 5 }, got: { id, ttl: 5 } };
  const keepAlive = (at: number, ttl = 5): Given => ({
    at,
    to: at + 0.1,
    process: 0,
    f: "lease-keepalive",
    asked: { id },
    got: { id, ttl },
  });
  const check = (at: number, alive: boolean): Given => ({
    at,
    to: at + 0.1,
    process: 1,
    f: "lease-check",
    asked: { id },
    got: { id, alive },
  });
  const revoke = (at: number): Given => ({ at, to: at + 0.1, process: 2, f: "lease-revoke", asked: { id } });

  it("live their time after each renewal, and end soon after", () => {
    const options = { lateNs: 2e9 };
    expect(leaseBounds(history(grant, keepAlive(3), check(7, true), check(9, false)), options).valid).toBe(true);
    expect(kindsOf(leaseBounds(history(grant, keepAlive(3), check(7, false)), options))).toEqual([
      "lease-expired-early",
    ]);
    expect(leaseBounds(history(grant, keepAlive(3), check(7, false)), { earlyNs: 2e9 }).valid).toBe(true);
    expect(kindsOf(leaseBounds(history(grant, check(8, true)), options))).toEqual(["lease-outlived"]);
  });

  it("end, once nobody is elected any more, in time, however long they lived before", () => {
    const calm: Given = { at: 30, to: 30, process: "nemesis", f: "calm", asked: null, type: "info" };
    expect(leaseBounds(history(grant, check(29, true), calm, check(35, true), check(42, false)), {}).valid).toBe(true);
    expect(kindsOf(leaseBounds(history(grant, calm, check(42, true)), {}))).toEqual(["lease-outlived"]);
    expect(leaseBounds(history(grant, check(42, true)), {}).valid).toBe(true);
  });

  it("end early when somebody may have revoked them", () => {
    expect(leaseBounds(history(grant, revoke(1), check(2, false)), {}).valid).toBe(true);
    expect(leaseBounds(history(grant, { ...revoke(1), to: undefined }, check(2, false)), {}).valid).toBe(true);
  });

  it("take with them what hangs on them, once they are revoked", () => {
    const range = (at: number, asked = {}): Given => {
      const kvs = [{ key: "k", value: "v", mod: 2, lease: id }];
      return { at, to: at + 0.1, process: 3, f: "range", asked: { key: "k", ...asked }, got: { revision: 2, kvs } };
    };
    expect(leaseBounds(history(grant, range(0.5), check(0.7, true), revoke(1)), {}).valid).toBe(true);
    expect(kindsOf(leaseBounds(history(grant, revoke(1), range(2)), {}))).toEqual(["key-outlived-lease"]);
    const old = history(
      grant,
      check(0.5, true),
      revoke(1),
      range(2, { serializable: true }),
      range(3, { revision: 2 }),
    );
    expect(leaseBounds(old, {}).valid).toBe(true);
  });

  it("do not come back", () => {
    expect(kindsOf(leaseBounds(history(grant, check(6, false), keepAlive(7)), {}))).toEqual(["lease-undead"]);
    expect(kindsOf(leaseBounds(history(grant, revoke(1), keepAlive(2)), {}))).toEqual(["lease-undead"]);
    expect(leaseBounds(history(grant, keepAlive(6, 0)), {}).valid).toBe(true);
  });
});

describe("locks", () => {
  const lock = "l";
  const acquire = (process: number, at: number, token: number): Given => ({
    at,
    to: at + 0.5,
    process,
    f: "acquire",
    asked: { lock },
    got: { lock, token },
  });
  const release = (process: number, at: number): Given => ({
    at,
    to: at + 0.5,
    process,
    f: "release",
    asked: { lock },
  });
  const guarded = (process: number, at: number, token: number): Given => ({
    at,
    to: at + 0.5,
    process,
    f: "guarded",
    asked: { lock, token },
  });

  it("have one holder at a time, when they promise that", () => {
    const exclusive = { promise: "exclusive" } as const;
    expect(locks(history(acquire(0, 0, 1), release(0, 2), acquire(1, 1, 2)), exclusive).valid).toBe(false);
    expect(locks(history(acquire(0, 0, 1), release(0, 2), { ...acquire(1, 1, 2), to: 2.2 }), exclusive).valid).toBe(
      true,
    );
    // A holder whose lease ended while it was paused: that is what fencing is for.
    expect(kindsOf(locks(history(acquire(0, 0, 1), acquire(1, 3, 2)), exclusive))).toEqual(["two-holders"]);
    expect(locks(history(acquire(0, 0, 1), acquire(1, 3, 2)), {}).valid).toBe(true);
  });

  it("fence: what they guard takes nothing of an old holder after a new one", () => {
    const holders = [acquire(0, 0, 1), acquire(1, 3, 2)];
    expect(locks(history(...holders, guarded(0, 1, 1), guarded(1, 4, 2)), {}).valid).toBe(true);
    expect(kindsOf(locks(history(...holders, guarded(1, 4, 2), guarded(0, 5, 1)), {}))).toEqual(["unfenced"]);
    const refused = { ...guarded(0, 5, 1), type: "fail" as EventType };
    expect(locks(history(...holders, guarded(1, 4, 2), refused), {}).valid).toBe(true);
  });

  it("give each holder a higher token", () => {
    expect(kindsOf(locks(history(acquire(0, 0, 2), acquire(1, 3, 1)), {}))).toEqual(["token-went-back"]);
    expect(kindsOf(locks(history(acquire(0, 0, 2), acquire(1, 3, 2)), {}))).toEqual(["token-given-twice"]);
  });
});

describe("liveness", () => {
  const heal: Given = { at: 10, to: 11, process: "nemesis", f: "heal", asked: null, type: "info" };
  const read = (process: number, at: number, to?: number): Given => ({ at, to, process, f: "read", asked: null });
  const options = { clients: 2, withinNs: 5e9 };

  it("every client is served soon after healing, whichever process it is then", () => {
    expect(liveness(history(heal, read(0, 12, 13), read(3, 12, 14)), options)).toMatchObject({
      valid: true,
      figures: { worstNs: 3e9 },
    });
    expect(kindsOf(liveness(history(heal, read(0, 12, 13), read(1, 12, 17)), options))).toEqual(["not-served"]);
    expect(kindsOf(liveness(history(heal, read(0, 12, 13), read(1, 12)), options))).toEqual(["not-served"]);
    expect(kindsOf(liveness(history(heal, read(0, 12, 13), read(1, 9, 12)), options))).toEqual(["did-not-try"]);
    expect(liveness(history(read(0, 12, 13)), options).valid).toBe("unknown");
  });
});

describe("elections", () => {
  const campaign = (at: number, token: number, value: number): Given => {
    return { at, to: at + 0.1, process: value, f: "campaign", asked: { value }, got: { token, value } };
  };
  const proclaim = (at: number, token: number, value: number): Given => {
    return { at, to: at + 0.1, process: value, f: "proclaim", asked: { token, value } };
  };
  const observe = (at: number, token: number, value: number): Given => {
    return { at, to: at + 0.1, process: 99, f: "observe", asked: null, got: { token, value } };
  };

  it("have one leader after the other, whose words nobody hears after its successor's", () => {
    const reigns = [campaign(0, 5, 1), observe(1, 5, 1), proclaim(2, 5, 2), observe(3, 5, 2), campaign(4, 8, 3)];
    expect(elections(history(...reigns, observe(5, 8, 3)), {}).valid).toBe(true);
    expect(kindsOf(elections(history(...reigns, observe(5, 5, 2)), {}))).toEqual(["stale-leader"]);
    expect(kindsOf(elections(history(...reigns, proclaim(5, 5, 4)), {}))).toEqual(["unfenced"]);
    expect(kindsOf(elections(history(campaign(0, 5, 1), proclaim(2, 5, 2), observe(3, 5, 1)), {}))).toEqual([
      "stale-leader",
    ]);
  });

  it("give a token once, and show no word that nobody said", () => {
    expect(kindsOf(elections(history(campaign(0, 5, 1), campaign(1, 5, 2)), {}))).toEqual(["token-given-twice"]);
    expect(kindsOf(elections(history(campaign(0, 5, 1), observe(1, 6, 7)), {}))).toEqual(["phantom"]);
    // Who gave up may have come first for a moment.
    expect(
      elections(history({ ...campaign(0, 5, 1), type: "fail", got: { value: 1 } }, observe(1, 5, 1)), {}).valid,
    ).toBe(true);
  });
});

it("a lock is not held any more by a process that is no more", () => {
  const acquire = (at: number, process: number, token: number): Given => {
    return { at, to: at + 0.1, process, f: "acquire", asked: { lock: "l" }, got: { lock: "l", token } };
  };
  const crash: Given = { at: 1, to: 1.5, process: 0, f: "guarded", asked: { lock: "l", token: 1 }, type: "info" };
  const exclusive = { promise: "exclusive" } as const;
  expect(locks(history(acquire(0, 0, 1), crash, acquire(2, 1, 2)), exclusive).valid).toBe(true);
  expect(kindsOf(locks(history(acquire(0, 0, 1), acquire(2, 1, 2)), exclusive))).toEqual(["two-holders"]);
});
