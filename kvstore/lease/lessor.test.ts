import { describe, expect, test } from "vitest";
import { assert as invariant, toUtf8 } from "../../base/mod.ts";
import { KeyValue, LeaseGrantRequest, PutRequest, RangeRequest } from "../../proto/mod.ts";
import { isFailure } from "../mvcc/mod.ts";
import { TestState } from "../mvcc/state.testing.ts";
import type { Proposer } from "./mod.ts";

const electionMs = 1000;

/** A member whose proposals are applied at once, as if it were alone. */
class Member extends TestState implements Proposer {
  readonly revoked: { readonly id: bigint; readonly atMs: number }[] = [];
  readonly checkpoints: { readonly id: bigint; readonly remainingTTL: number }[] = [];
  /** How often `checkpoint` was called. */
  proposals = 0;
  /** Proposals are lost. */
  noQuorum = false;
  makesCheckpoints = true;
  /** Proposed, and not applied yet. */
  readonly inTheLog: (() => void)[] = [];
  /** The log takes its time: `applyLog`. */
  logIsSlow = false;

  async revoke(id: bigint): Promise<void> {
    if (this.noQuorum) throw new Error("no quorum");
    this.revoked.push({ id, atMs: this.clock.monotonic() });
    this.state.applier.leaseRevoke({ id });
  }

  async checkpoint(checkpoints: readonly { readonly id: bigint; readonly remainingTTL: number }[]): Promise<void> {
    if (this.noQuorum) throw new Error("no quorum");
    this.proposals++;
    this.checkpoints.push(...checkpoints);
    const apply = () => void this.state.applier.leaseCheckpoint({ checkpoints });
    if (this.logIsSlow) await new Promise<void>((resolve) => this.inTheLog.push(() => resolve(apply())));
    else apply();
  }

  applyLog(): void {
    for (const apply of this.inTheLog.splice(0)) apply();
  }

  lead(): void {
    this.state.lessor.promote(electionMs, this);
  }

  grant(id: bigint, ttl: number) {
    return this.state.applier.leaseGrant(LeaseGrantRequest.create({ id, ttl }));
  }

  put(key: string, lease: bigint) {
    return this.state.applier.put(PutRequest.create({ key: toUtf8(key), lease }));
  }

  keys(): string[] {
    const answer = this.state.applier.range(RangeRequest.create({ key: toUtf8("a"), rangeEnd: Uint8Array.of(0) }));
    invariant(!isFailure(answer), "the newest revision can be read");
    return answer.kvs.map(({ bytes }) => Buffer.from(KeyValue.decode(bytes).key).toString());
  }

  /** Whole seconds until a lease expires; undefined without that lease. */
  left(id: bigint): number | undefined {
    const answer = this.state.lessor.timeToLive(id);
    return isFailure(answer) ? undefined : answer.ttl;
  }
}

async function member(options: ConstructorParameters<typeof Member>[0] = {}): Promise<Member> {
  const opened = new Member(options);
  await opened.open();
  return opened;
}

describe("granting", () => {
  test.each([
    { ttl: -5, granted: 2 },
    { ttl: 0, granted: 2 },
    { ttl: 60, granted: 60 },
  ])("a TTL of $ttl s gives $granted s", async ({ ttl, granted }) => {
    expect((await member()).grant(1n, ttl)).toMatchObject({ id: 1n, ttl: granted });
  });

  test("refuses an id in use, a TTL beyond 285 years, and no id", async () => {
    const one = await member();
    one.grant(1n, 10);
    expect(one.grant(1n, 10)).toEqual({ failure: "LeaseExist" });
    expect(one.grant(2n, 9_000_000_001)).toEqual({ failure: "LeaseTTLTooLarge" });
    expect(one.grant(0n, 10)).toEqual({ failure: "LeaseNotFound" });
  });

  test("and revoking an empty lease makes no revision", async () => {
    const one = await member();
    one.grant(1n, 10);
    expect(one.state.applier.leaseRevoke({ id: 1n })).toEqual({ header: { revision: 1 } });
    expect(one.state.applier.leaseRevoke({ id: 1n })).toEqual({ failure: "LeaseNotFound" });
  });
});

describe("keys", () => {
  test("go with their lease, all in one revision", async () => {
    const one = await member();
    one.grant(1n, 10);
    for (const key of ["b", "a", "c"]) one.put(key, 1n);
    one.put("free", 0n);
    expect(one.state.applier.leaseRevoke({ id: 1n })).toEqual({ header: { revision: 6 } });
    expect(one.keys()).toEqual(["free"]);
    expect(one.state.store.history.recent(6).map(({ key, sub }) => [key, sub])).toEqual([
      ["a", 0],
      ["b", 1],
      ["c", 2],
    ]);
  });

  test("belong to the lease of their last put only", async () => {
    const one = await member();
    one.grant(1n, 10);
    one.grant(2n, 10);
    one.put("moved", 1n);
    one.put("moved", 2n);
    one.put("freed", 1n);
    one.put("freed", 0n);
    one.state.applier.leaseRevoke({ id: 1n });
    expect(one.keys()).toEqual(["freed", "moved"]);
    expect(one.put("x", 1n)).toEqual({ failure: "LeaseNotFound" });
  });

  test("are attached again after a restart", async () => {
    const one = await member();
    one.grant(1n, 10);
    one.put("a", 1n);
    await one.restart();
    one.state.applier.leaseRevoke({ id: 1n });
    expect(one.keys()).toEqual([]);
  });
});

describe("leases", () => {
  // etcd#14019: a day later they were listed, and could not be revoked.
  test("that were revoked stay so over a restart: what is listed can be revoked", async () => {
    const one = await member();
    for (const id of [1n, 2n]) one.grant(id, 5);
    await one.until(one.state.backend.commit());
    one.state.applier.leaseRevoke({ id: 1n });
    await one.restart();
    const listed = one.state.lessor.leases();
    expect(listed).toEqual([2n]);
    for (const id of listed) expect(one.state.applier.leaseRevoke({ id })).not.toHaveProperty("failure");
  });
});

describe("expiry", () => {
  test("revokes a lease that nobody renewed, half a second late at most", async () => {
    const one = await member();
    one.lead();
    one.grant(1n, 5);
    one.put("a", 1n);
    await one.pass(4999);
    expect(one.keys()).toEqual(["a"]);
    await one.pass(502);
    expect(one.keys()).toEqual([]);
  });

  test("starts afresh with every renewal", async () => {
    const one = await member();
    one.lead();
    one.grant(1n, 5);
    for (let i = 0; i < 5; i++) {
      await one.pass(4000);
      expect(await one.state.lessor.renew(1n)).toEqual({ ttl: 5 });
    }
    expect(one.left(1n)).toBe(5);
    expect(one.revoked).toEqual([]);
  });

  test("is nobody's business but the leader's", async () => {
    const one = await member();
    one.grant(1n, 2);
    await one.pass(10_000);
    expect(await one.state.lessor.renew(1n)).toEqual({ failure: "NotPrimary" });
    expect(one.state.lessor.timeToLive(1n)).toEqual({ failure: "NotPrimary" });
    one.lead();
    expect(one.left(1n)).toBe(3);
  });

  test("stops the moment a leader is none any more", async () => {
    const one = await member();
    one.lead();
    one.grant(1n, 2);
    await one.pass(1990);
    one.state.lessor.demote();
    await one.pass(10_000);
    expect(one.revoked).toEqual([]);
  });

  test("of every lease is put off by a new leader, who cannot know what the old one renewed", async () => {
    const one = await member();
    one.lead();
    one.grant(1n, 10);
    await one.pass(9000);
    one.state.lessor.demote();
    one.lead();
    expect(one.left(1n)).toBe(11);
  });

  test("is tried again while there is no quorum to revoke", async () => {
    const one = await member();
    one.lead();
    one.grant(1n, 2);
    one.noQuorum = true;
    await one.pass(5000);
    one.noQuorum = false;
    await one.pass(3001);
    expect(one.revoked).toHaveLength(1);
  });

  test("of thousands of leases at once is spread over the seconds", async () => {
    const one = await member();
    for (let i = 1n; i <= 3000n; i++) one.grant(i, 2);
    one.lead();
    await one.pass(8000);
    const perSecond = new Map<number, number>();
    for (const { atMs } of one.revoked) {
      const second = Math.floor(atMs / 1000);
      perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
    }
    expect(one.revoked).toHaveLength(3000);
    expect(Math.max(...perSecond.values())).toBeLessThanOrEqual(1000);
  });
});

describe("taking over thousands of leases, which are told one after the other,", () => {
  const count = 5000n;
  const last = count;
  const ttlOf = (id: bigint) => (id === last ? 5 : 10 + Number(id));
  const crowd = async () => {
    const one = await member();
    for (let id = 1n; id <= count; id++) one.grant(id, ttlOf(id));
    return one;
  };

  test("lets the last expire as if it had been the first", async () => {
    const one = await crowd();
    one.lead();
    await one.pass(ttlOf(last) * 1000 + electionMs - 1);
    expect(one.revoked).toEqual([]);
    await one.pass(502);
    expect(one.revoked.map(({ id }) => id)).toEqual([last]);
  });

  test("answers for one before its turn has come", async () => {
    const one = await crowd();
    one.lead();
    expect(one.left(last)).toBe(ttlOf(last) + 1);
    expect(await one.state.lessor.renew(last - 1n)).toEqual({ ttl: ttlOf(last - 1n) });
    await one.pass(100);
    expect(one.left(last - 1n)).toBe(ttlOf(last - 1n) - 1);
  });

  test("takes note of a checkpoint, of new leases and of those that go meanwhile", async () => {
    const one = await crowd();
    one.lead();
    one.state.applier.leaseCheckpoint({ checkpoints: [{ id: last, remainingTTL: 3 }] });
    one.state.applier.leaseRevoke({ id: last - 1n });
    one.grant(count + 1n, 60);
    await one.pass(100);
    expect([one.left(last), one.left(last - 1n), one.left(count + 1n)]).toEqual([ttlOf(last), undefined, 59]);
  });

  test("stops with the leadership, and begins anew with the next", async () => {
    const one = await crowd();
    one.lead();
    one.state.lessor.demote();
    await one.pass(20_000);
    expect(one.revoked).toEqual([]);
    one.lead();
    await one.pass(1);
    one.lead();
    await one.pass(1500);
    expect([one.left(1n), one.left(last)]).toEqual([ttlOf(1n) - 1, ttlOf(last) - 1]);
    await one.pass(5100);
    expect(one.revoked.map(({ id }) => id)).toEqual([last]);
  });
});

describe("renewing", () => {
  test("a lease that has expired waits for its revocation, and fails with it", async () => {
    const one = await member();
    one.lead();
    one.grant(1n, 2);
    one.noQuorum = true;
    await one.pass(2100);
    const renewal = one.state.lessor.renew(1n);
    one.noQuorum = false;
    expect(await one.until(renewal)).toEqual({ failure: "LeaseNotFound" });
  });

  test("a lease that has expired fails over to the next leader when this one is none any more", async () => {
    const one = await member();
    one.lead();
    one.grant(1n, 2);
    one.noQuorum = true;
    await one.pass(2100);
    const renewal = one.state.lessor.renew(1n);
    one.state.lessor.demote();
    expect(await renewal).toEqual({ failure: "NotPrimary" });
  });

  // etcd#20615: it was there when the renewal looked.
  test("a lease that is revoked while its renewal is on its way into the log fails", async () => {
    const one = await member();
    one.lead();
    one.grant(1n, 100);
    await one.pass(51_000); // a checkpoint has been told, which the renewal takes back
    one.logIsSlow = true;
    const renewal = one.state.lessor.renew(1n);
    await one.pass(1);
    one.state.applier.leaseRevoke({ id: 1n });
    one.applyLog();
    expect(await one.until(renewal)).toEqual({ failure: "LeaseNotFound" });
  });

  test("a lease that is not there fails", async () => {
    const one = await member();
    one.lead();
    expect(await one.state.lessor.renew(1n)).toEqual({ failure: "LeaseNotFound" });
  });
});

describe("a checkpoint", () => {
  test("makes a long lease's time pass across leaders", async () => {
    const one = await member();
    one.lead();
    one.grant(1n, 1000);
    await one.pass(301_000);
    expect(one.checkpoints).toEqual([{ id: 1n, remainingTTL: 700 }]);
    await one.restart();
    one.lead();
    expect(one.left(1n)).toBe(701);
  });

  test("is taken back by a renewal", async () => {
    const one = await member();
    one.lead();
    one.grant(1n, 1000);
    await one.pass(301_000);
    expect(await one.until(one.state.lessor.renew(1n))).toEqual({ ttl: 1000 });
    expect(one.checkpoints.at(-1)).toEqual({ id: 1n, remainingTTL: 0 });
    one.state.lessor.demote();
    one.lead();
    expect(one.left(1n)).toBe(1001);
  });
});

describe("deadlines over changes of the leader", () => {
  test("time goes on while others lead: what was told is worth less with every second", async () => {
    const one = await member();
    one.lead();
    one.grant(1n, 100);
    await one.pass(51_000);
    expect(one.checkpoints).toEqual([{ id: 1n, remainingTTL: 50 }]);
    one.state.lessor.demote();
    await one.pass(20_000); // another leads, and tells nothing new
    one.lead();
    expect(one.left(1n)).toBeGreaterThanOrEqual(29);
    expect(one.left(1n)).toBeLessThanOrEqual(31);
  });

  test("a lease that expired meanwhile goes at once, or nearly", async () => {
    const one = await member();
    one.lead();
    one.grant(1n, 100);
    await one.pass(51_000);
    one.state.lessor.demote();
    await one.pass(60_000);
    one.lead();
    await one.pass(electionMs + 600);
    expect(one.revoked.map(({ id }) => id)).toEqual([1n]);
  });

  test("a lease that is renewed in time costs the log nothing", async () => {
    const one = await member();
    one.lead();
    one.grant(1n, 90);
    for (let i = 0; i < 5; i++) {
      await one.pass(30_000);
      await one.until(one.state.lessor.renew(1n));
    }
    expect(one.proposals).toBe(0);
  });

  test("a thousand leases are told in one entry, and a thousand renewals too", async () => {
    const one = await member();
    one.lead();
    for (let id = 1n; id <= 1000n; id++) one.grant(id, 100);
    await one.pass(51_000);
    expect([one.checkpoints.length, one.proposals]).toEqual([1000, 1]);
    await one.until(Promise.all(Array.from({ length: 1000 }, (_, i) => one.state.lessor.renew(BigInt(i + 1)))));
    expect([one.checkpoints.length, one.proposals]).toEqual([2000, 2]);
  });

  test("a renewal while a checkpoint is on its way comes after it: no leader cuts short what was promised", async () => {
    const one = await member();
    one.lead();
    one.grant(1n, 100);
    one.logIsSlow = true;
    await one.pass(51_000);
    const renewal = one.state.lessor.renew(1n);
    await one.pass(0);
    one.applyLog();
    expect(await one.until(renewal)).toEqual({ ttl: 100 });
    one.state.lessor.demote();
    one.lead();
    expect(one.left(1n)).toBe(101);
  });

  test("a renewal that the log did not take is not promised", async () => {
    const one = await member();
    one.lead();
    one.grant(1n, 100);
    await one.pass(51_000);
    one.noQuorum = true;
    expect(await one.until(one.state.lessor.renew(1n))).toEqual({ failure: "NotPrimary" });
  });

  test("a renewal of the last leader that is applied after the election counts", async () => {
    const one = await member();
    one.grant(1n, 100);
    one.state.applier.leaseCheckpoint({ checkpoints: [{ id: 1n, remainingTTL: 5 }] });
    one.lead();
    expect(one.left(1n)).toBe(6);
    one.state.applier.leaseCheckpoint({ checkpoints: [{ id: 1n, remainingTTL: 0 }] });
    expect(one.left(1n)).toBe(100);
  });

  test("nothing is told where checkpoints are switched off", async () => {
    const one = await member();
    one.makesCheckpoints = false;
    one.lead();
    one.grant(1n, 100);
    await one.pass(60_000);
    expect(one.checkpoints).toEqual([]);
  });
});

test("leases are listed in the order in which they expire", async () => {
  const one = await member();
  one.lead();
  one.grant(1n, 30);
  one.grant(2n, 10);
  one.grant(3n, 20);
  expect(one.state.lessor.leases()).toEqual([2n, 3n, 1n]);
});
