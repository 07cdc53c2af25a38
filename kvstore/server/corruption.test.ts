import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../base/mod.ts";
import { AlarmType } from "../../proto/mod.ts";
import { fail } from "../mvcc/mod.ts";
import { CorruptionChecks } from "./corruption.ts";
import type { Member, PeerRequestHandler } from "./member.ts";
import type { MemberOptions } from "./options.ts";

/** What a member's store says: its hash at any revision it has, and how far it is. */
interface Keys {
  hash: number;
  revision: number;
  compactRevision: number;
}

/** Members that have nothing but keys, a leader (the first), and a network between them. */
function cluster(...keys: Keys[]) {
  return clusterThat({ corruptCheckMs: 1000, compactHashCheckMs: 0 }, keys);
}

function clusterThat(options: Partial<MemberOptions>, keys: readonly Keys[]) {
  const clock = new VirtualClock();
  const handlers = new Map<bigint, PeerRequestHandler>();
  const unreachable = new Set<bigint>();
  const alarms: bigint[] = [];
  const said: string[] = [];
  const members = keys.map((own, at) => {
    const id = BigInt(at + 1);
    const member = {
      id,
      clock,
      isLeader: at === 0,
      options,
      log: (_: string, message: string) => void said.push(message),
      membership: { members: keys.map((_, other) => ({ id: BigInt(other + 1) })) },
      auth: { self: undefined },
      state: {
        store: {
          ...own,
          async hashKv(revision: number) {
            if (revision > own.revision) return fail("FutureRev");
            if (revision > 0 && revision < own.compactRevision) return fail("Compacted");
            const hashRevision = revision || own.revision;
            return {
              hash: own.hash,
              hashRevision,
              compactRevision: own.compactRevision,
              currentRevision: own.revision,
            };
          },
        },
      },
      answerPeers: (_: number, handler: PeerRequestHandler) => void handlers.set(id, handler),
      transport: {
        async request(to: bigint, _: number, payload: Uint8Array) {
          const handler = handlers.get(to);
          if (handler === undefined || unreachable.has(to)) throw new Error("no connection");
          return handler(payload);
        },
      },
      linearizable: (done: (failure: undefined) => void) => done(undefined),
      propose(_: string, { memberID, alarm }: { memberID: bigint; alarm: AlarmType }) {
        expect(alarm).toBe(AlarmType.CORRUPT);
        alarms.push(memberID);
      },
    };
    return new CorruptionChecks(member as unknown as Member);
  });
  /** Lets the leader do what is due. */
  const pass = async (ms: number) => {
    clock.advance(ms);
    members[0]?.tick(clock.monotonic());
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { members, alarms, said, unreachable, pass, clock };
}

const good = (): Keys => ({ hash: 7, revision: 10, compactRevision: 4 });

describe("before it serves, a member", () => {
  test("finds that its keys are the others'", async () => {
    const { members, said } = cluster(good(), good(), good());
    await members[0]?.initial();
    expect(said).toContain("initial corruption checking passed; no corruption");
  });

  test("does not start with other keys", async () => {
    const { members } = cluster({ ...good(), hash: 8 }, good(), good());
    await expect(members[0]?.initial()).rejects.toThrow("found data inconsistency with peers");
  });

  test("cannot compare with who has compacted more, or is not there", async () => {
    const { members, unreachable, clock } = cluster(good(), { ...good(), hash: 9, compactRevision: 6 }, good());
    unreachable.add(3n);
    const checked = members[0]?.initial();
    for (let tries = 0; tries < 30; tries++) {
      clock.advance(100);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await checked;
  });
});

describe("a leader that compares the newest keys", () => {
  test.each([
    ["equal", {}, []],
    ["another hash", { hash: 8 }, [2n]],
    ["further than the leader", { revision: 12 }, [2n]],
    ["compacted further than the leader", { compactRevision: 8 }, [2n]],
    ["behind", { revision: 5, hash: 1 }, []],
  ] as const)("%s", async (_, difference, expected) => {
    const { alarms, said, pass } = cluster(good(), { ...good(), ...difference }, good());
    await pass(0);
    await pass(1000);
    await pass(1000);
    expect(alarms.slice(0, 1)).toEqual(expected);
    expect(said).toContain("finished peer corruption check");
  });
});

describe("a leader that compares what compactions left", () => {
  const compacted = async (...keys: Keys[]) => {
    const found = clusterThat({ corruptCheckMs: 0, compactHashCheckMs: 1000 }, keys);
    found.members[0]?.compactionFinished(4);
    await found.pass(0);
    await found.pass(1000);
    await found.pass(1);
    return found;
  };

  test("does so once for each compaction", async () => {
    const { alarms, said, pass } = await compacted(good(), good(), good());
    expect(said).toContain("successfully checked hash on whole cluster");
    await pass(1000);
    expect(said.filter((message) => message === "successfully checked hash on whole cluster")).toHaveLength(1);
    expect(alarms).toEqual([]);
  });

  test("finds the one that differs, even if it is itself", async () => {
    expect((await compacted(good(), good(), { ...good(), hash: 8 })).alarms).toEqual([3n]);
    expect((await compacted({ ...good(), hash: 8 }, good(), good())).alarms).toEqual([1n]);
  });

  test("says that all are suspect where no majority agrees", async () => {
    expect((await compacted(good(), { ...good(), hash: 8 }, { ...good(), hash: 9 })).alarms).toEqual([0n]);
    expect((await compacted(good(), { ...good(), hash: 8 })).alarms).toEqual([0n]);
  });
});
