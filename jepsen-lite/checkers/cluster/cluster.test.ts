import { describe, expect, it } from "vitest";
import type { EventType, HistoryEvent, Json, Process } from "../../history/mod.ts";
import { hashAgreement, logAgreement, membershipAgreement } from "./agreement.ts";
import { errorAudit } from "./errors.ts";
import { panics } from "./logs.ts";
import { resources } from "./resources.ts";
import { vacuity } from "./vacuity.ts";

type Given = { f: string; asked?: Json; got?: Json; type?: EventType; error?: string; process?: Process };

/** One after the other. */
function history(...operations: readonly Given[]): HistoryEvent[] {
  return operations
    .flatMap(({ f, asked = null, got, type = "ok", error, process }, i) => [
      { process: process ?? i, type: "invoke" as EventType, f, value: asked },
      {
        process: process ?? i,
        type,
        f,
        value: got ?? asked,
        ...(error === undefined ? {} : { error: { class: error, text: "" } }),
      },
    ])
    .map((event, index) => ({ index, timeNs: index, ...event }));
}

const kindsOf = (verdict: { anomalies: readonly { kind: string }[] }) => verdict.anomalies.map(({ kind }) => kind);

describe("members agree", () => {
  it("on the hash of each revision, where they are compacted alike", () => {
    const hash = (member: string, revision: number, compactRevision: number, value: number): Given => ({
      f: "hash",
      got: { member, revision, compactRevision, hash: value },
    });
    expect(hashAgreement(history(hash("a", 5, 2, 1), hash("b", 5, 2, 1)), {}).valid).toBe(true);
    expect(kindsOf(hashAgreement(history(hash("a", 5, 2, 1), hash("b", 5, 2, 9)), {}))).toEqual(["different-hash"]);
    // Nothing could be compared: that proves nothing.
    expect(hashAgreement(history(hash("a", 5, 2, 1), hash("b", 5, 3, 9)), {}).valid).toBe("unknown");
  });

  it("on every committed entry", () => {
    const log = (member: string, ...entries: [number, number, string][]): Given => ({
      f: "log",
      got: { member, entries },
    });
    const whole = log("a", [1, 1, "x"], [2, 1, "y"], [3, 2, "z"]);
    expect(logAgreement(history(whole, log("b", [2, 1, "y"], [3, 2, "z"])), {}).valid).toBe(true);
    expect(kindsOf(logAgreement(history(whole, log("b", [2, 1, "y"], [3, 2, "w"])), {}))).toEqual(["different-entry"]);
    expect(kindsOf(logAgreement(history(whole, log("b", [1, 1, "x"], [3, 2, "z"])), {}))).toEqual(["log-gap"]);
    expect(kindsOf(logAgreement(history(log("b", [1, 2, "x"], [2, 1, "y"])), {}))).toEqual(["term-went-back"]);
  });

  it("on who they are, but for those who were removed", () => {
    const know = (member: string, ...ids: string[]): Given => ({
      f: "members",
      got: { member, members: ids.map((id) => ({ id })) },
    });
    expect(
      membershipAgreement(
        history(know("a", "a", "b"), know("b", "b", "a"), know("c", "a", "b", "c"), know("a", "b", "a")),
        {},
      ).valid,
    ).toBe(true);
    expect(kindsOf(membershipAgreement(history(know("a", "a", "b"), know("b", "a", "b", "c")), {}))).toEqual([
      "different-members",
    ]);
    // Who is not heard any more says nothing about the end.
    const end = (given: Given): Given => ({ ...given, asked: { final: true } });
    const unheard = history(know("c", "a", "b"), end(know("a", "a", "b", "c")), end(know("b", "a", "b", "c")));
    expect(membershipAgreement(unheard, {}).valid).toBe(true);
  });
});

describe("error classes", () => {
  it("a write that timed out is no failure; a failed write is never seen", () => {
    const put = (value: string, type: EventType, error?: string): Given => ({
      f: "put",
      asked: { key: "k", value },
      type,
      error,
    });
    const range: Given = { f: "range", got: { revision: 3, kvs: [{ key: "k", value: "1", mod: 2 }] } };
    expect(errorAudit(history(put("1", "info", "DeadlineExceeded"), range), {}).valid).toBe(true);
    expect(kindsOf(errorAudit(history(put("1", "fail", "DeadlineExceeded")), {}))).toEqual(["indefinite-fail"]);
    expect(kindsOf(errorAudit(history(put("1", "fail", "LeaseNotFound"), range), {}))).toEqual(["failed-but-seen"]);
    const append = (type: EventType, error?: string): Given => ({ f: "txn", asked: [["append", "x", 1]], type, error });
    const read: Given = { f: "txn", asked: [["r", "x", null]], got: [["r", "x", [1]]] };
    expect(kindsOf(errorAudit(history(append("fail", "TooManyRequests"), read), {}))).toEqual(["failed-but-seen"]);
    expect(errorAudit(history(append("ok"), read), {}).valid).toBe(true);
    const write: Given = { f: "write", asked: { key: "r", value: 4 }, type: "fail", error: "unsent" };
    const seen: Given = { f: "read", asked: { key: "r" }, got: { key: "r", value: 4 } };
    const cas: Given = { f: "cas", asked: { key: "r", from: 1, to: 4 } };
    expect(kindsOf(errorAudit(history(write, seen), {}))).toEqual(["failed-but-seen"]);
    expect(errorAudit(history(cas, write, seen), {}).valid, "another set the same").toBe(true);
  });
});

describe("vacuity", () => {
  const fault = (f: string, value: Json): Given => ({ f, asked: null, got: value, type: "info", process: "nemesis" });

  it("enough happened, and the faults had an effect", () => {
    const reads = Array.from({ length: 3 }, (): Given => ({ f: "read" }));
    expect(
      vacuity(history(...reads, fault("partition", { effect: 12 })), { minimumOk: { read: 3 }, faults: ["partition"] })
        .valid,
    ).toBe(true);
    expect(kindsOf(vacuity(history(...reads), { minimumOk: { read: 4, write: 1 } }))).toEqual([
      "too-few-operations",
      "too-few-operations",
    ]);
    expect(kindsOf(vacuity(history(...reads), { faults: ["partition"] }))).toEqual(["fault-without-effect"]);
    expect(kindsOf(vacuity(history(...reads, fault("partition", { effect: 0 })), {}))).toEqual([
      "fault-without-effect",
    ]);
    expect(kindsOf(vacuity(history(...reads), { sometimes: { "a snapshot was installed": 0 } }))).toEqual([
      "never-reached",
    ]);
    expect(kindsOf(vacuity([], {}))).toEqual(["too-few-operations"]);
  });
});

describe("processes", () => {
  it("do not panic, unless a failpoint made them", () => {
    const outputs = { m1: "started\nInvariantViolation: revisions only grow\n", m2: "ready" };
    expect(kindsOf(panics([], { outputs }))).toEqual(["panic"]);
    expect(panics([], { outputs, expected: [/revisions only grow/] }).valid).toBe(true);
    expect(panics([], { outputs: {} }).valid).toBe("unknown");
  });

  it("stay within their bounds", () => {
    const sample: Given = { f: "resources", got: { member: "m1", rssBytes: 200, openFiles: 10 } };
    expect(resources(history(sample), { most: { rssBytes: 300 } })).toMatchObject({
      valid: true,
      figures: { rssBytes: 200 },
    });
    expect(kindsOf(resources(history(sample), { most: { rssBytes: 100 } }))).toEqual(["too-much"]);
  });
});
