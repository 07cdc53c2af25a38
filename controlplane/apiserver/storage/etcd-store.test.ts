import { describe, expect, test } from "vitest";
import { type Timer, toUtf8, VirtualClock } from "../../../base/mod.ts";
import { type EtcdClient, EtcdError } from "../../../kvstore/client/mod.ts";
import { Status, TxnResponse } from "../../../proto/mod.ts";
import { EtcdStore, progressIsReliable } from "./etcd-store.ts";

/** Its pauses are over as soon as they begin. */
class HastyClock extends VirtualClock {
  override after(delayMs: number, fire: () => void): Timer {
    const timer = super.after(delayMs, fire);
    queueMicrotask(() => this.advance(delayMs));
    return timer;
  }
}

/** A client whose transactions answer, in turn, as told. */
function storeThat(...answers: (() => TxnResponse)[]): { store: EtcdStore; sent: () => number } {
  let sent = 0;
  const txn = async () => {
    const answer = answers[sent++];
    if (answer === undefined) throw new Error("more was sent than the test expects");
    return answer();
  };
  const client = { kv: { txn } } as unknown as EtcdClient;
  return { store: new EtcdStore(client, new HastyClock(), () => undefined), sent: () => sent };
}

const lost = (maybeApplied: boolean) => () => {
  throw new EtcdError(Status.Unavailable, "etcdserver: leader changed", { maybeApplied });
};
const succeeded = (revision: number) => () => TxnResponse.create({ header: { revision }, succeeded: true });
const standsAt = (revision: number, value: string) => () =>
  TxnResponse.create({
    header: { revision: revision + 5 },
    responses: [{ responseRange: { kvs: [{ key: toUtf8("/k"), value: toUtf8(value), modRevision: revision }] } }],
  });

describe("a write whose answer is lost", () => {
  test("had happened: what stands there is what was written", async () => {
    const { store, sent } = storeThat(lost(true), standsAt(7, "mine"));
    expect(await store.put("/k", toUtf8("mine"), 0)).toEqual({ ok: true, revision: 7 });
    expect(sent()).toBe(2);
  });

  test("had not happened: it happens now", async () => {
    const { store } = storeThat(lost(true), succeeded(9));
    expect(await store.put("/k", toUtf8("mine"), 0)).toEqual({ ok: true, revision: 9 });
  });

  test("had not happened, and another's did: a conflict", async () => {
    const { store } = storeThat(lost(true), standsAt(7, "theirs"));
    expect(await store.put("/k", toUtf8("mine"), 0)).toMatchObject({ ok: false, current: { modRevision: 7 } });
  });

  test("was certainly not sent: the same value of somebody else is a conflict", async () => {
    const { store } = storeThat(lost(false), standsAt(7, "mine"));
    expect(await store.put("/k", toUtf8("mine"), 0)).toMatchObject({ ok: false });
  });

  test("was a deletion: nothing is there any more", async () => {
    const gone = () => TxnResponse.create({ header: { revision: 12 }, responses: [{ responseRange: { kvs: [] } }] });
    const { store } = storeThat(lost(true), gone);
    expect(await store.delete("/k", 3)).toEqual({ ok: true, revision: 12 });
  });

  test("is given up when no member has answered for longer than an election takes", async () => {
    const { store, sent } = storeThat(...Array.from({ length: 1000 }, () => lost(false)));
    await expect(store.put("/k", toUtf8("mine"), 0)).rejects.toThrow("leader changed");
    expect(sent()).toBeGreaterThan(100); // ten times a second, for 15 s
    expect(sent()).toBeLessThan(200);
  });
});

test("what the store refuses is told with its words, and is not tried again", async () => {
  const refuse = () => {
    throw new EtcdError(Status.InvalidArgument, "etcdserver: request is too large");
  };
  const { store, sent } = storeThat(refuse);
  await expect(store.put("/k", toUtf8("x"), 0)).rejects.toMatchObject({
    code: "TooLarge",
    message: "etcdserver: request is too large",
  });
  expect(sent()).toBe(1);
});

test.each([
  ["3.4.23", false],
  ["3.4.31", true],
  ["3.5.12", false],
  ["3.5.13", true],
  ["3.6.0", true],
  ["3.7.0-flotilla", true],
])("progress of etcd %s is reliable: %s", (version, reliable) => {
  expect(progressIsReliable(version)).toBe(reliable);
});
