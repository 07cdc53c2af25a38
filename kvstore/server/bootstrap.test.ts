import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../base/mod.ts";
import { raftpb } from "../../proto/mod.ts";
import { ConfChangeType, type Entry, EntryType, emptyConfState, type HardState } from "../../raft/mod.ts";
import { MemoryFiles, Wal } from "../wal/mod.ts";
import { type Origin, openOrigin, openStorage, stillJoining } from "./bootstrap.ts";
import { askEachForMembers, encodeMembers } from "./join.ts";
import { type ClusterMember, encodeMemberChange } from "./membership.ts";
import type { MemberOptions } from "./options.ts";

const confState = { ...emptyConfState(), voters: [1n, 2n, 3n] };

function entry(index: number, term: number): Entry {
  return { type: EntryType.EntryNormal, term, index, data: new Uint8Array(0) };
}

const disks = new WeakMap<Origin, MemoryFiles>();
const filesOf = (origin: Origin) => disks.get(origin) as MemoryFiles;

/** A log that `write` made, found again after a restart. */
async function restarted(write: (wal: Wal) => void): Promise<Origin> {
  const files = new MemoryFiles();
  const options = { files, directory: "wal", onFailure: fail, segmentBytes: 1 << 16 };
  const wal = await Wal.create(options, { nodeID: 1n, clusterID: 7n });
  write(wal);
  await wal.close();
  files.restart();
  const opened = await Wal.open(options);
  const origin: Origin = { id: 1n, clusterId: 7n, wal: opened!.wal, replay: opened!.replay, initial: [], peers: [] };
  disks.set(origin, files);
  return origin;
}

function fail(error: Error): never {
  throw error;
}

const append = (wal: Wal, from: number, to: number, hardState: HardState) =>
  wal.append(
    Array.from({ length: to - from + 1 }, (_, i) => entry(from + i, hardState.term)),
    hardState,
  );

const open = (origin: Origin, index: number, term: number) => {
  const storage = openStorage(origin, { index, term }, confState, () => undefined);
  const { hardState } = storage.initialState();
  return { first: storage.firstIndex(), last: storage.lastIndex(), hardState, termAtStart: storage.term(index) };
};

describe("a crash while the snapshot of another member, at 50 of term 3, is installed over a log of 10 entries", () => {
  const tenEntries = (wal: Wal) => append(wal, 1, 10, { term: 2, vote: 2n, commit: 10 });
  const after = { first: 51, last: 50, termAtStart: 3 };

  test("before the state was replaced: all is as it was", async () => {
    expect(open(await restarted(tenEntries), 10, 2)).toMatchObject({ last: 10, hardState: { term: 2, commit: 10 } });
  });

  test("when the state was replaced and the log does not know: it begins behind the state, and the vote is kept", async () => {
    const found = open(await restarted(tenEntries), 50, 3);
    expect(found).toMatchObject({ ...after, hardState: { term: 2, vote: 2n, commit: 50 } });
  });

  test("and the log goes on behind the state without a gap: the start after that finds it whole", async () => {
    const origin = await restarted(tenEntries);
    open(origin, 50, 3);
    await new Promise<void>((resolve) => origin.wal.append([entry(51, 3)], undefined, resolve));
    await origin.wal.close();
    const { replay } = (await Wal.open({
      files: filesOf(origin),
      directory: "wal",
      onFailure: fail,
      segmentBytes: 1 << 16,
    }))!;
    expect(replay.entries.map(({ index }) => index)).toEqual([51]);
  });

  test("when the state was replaced and the log has something else there: none of that is left, at no start", async () => {
    const origin = await restarted((wal) => append(wal, 1, 60, { term: 2, vote: 2n, commit: 10 }));
    expect(open(origin, 50, 3)).toMatchObject({ ...after, hardState: { term: 2, vote: 2n, commit: 50 } });
    await origin.wal.close();
    const { replay } = (await Wal.open({
      files: filesOf(origin),
      directory: "wal",
      onFailure: fail,
      segmentBytes: 1 << 16,
    }))!;
    expect(replay.entries).toEqual([]);
  });

  test("when the log has noted the snapshot, and not yet the term", async () => {
    const write = (wal: Wal) => {
      tenEntries(wal);
      wal.snapshot({ index: 50, term: 3, confState });
    };
    expect(open(await restarted(write), 50, 3)).toMatchObject({ ...after, hardState: { commit: 50 } });
  });

  test("when the entries behind it have come, too", async () => {
    const write = (wal: Wal) => {
      tenEntries(wal);
      wal.snapshot({ index: 50, term: 3, confState });
      append(wal, 51, 53, { term: 3, vote: 0n, commit: 52 });
    };
    expect(open(await restarted(write), 50, 3)).toMatchObject({
      first: 51,
      last: 53,
      hardState: { term: 3, commit: 52 },
    });
  });
});

describe("a start is refused", () => {
  test("where the log has lost what was committed", async () => {
    const origin = await restarted((wal) => append(wal, 1, 10, { term: 2, vote: 0n, commit: 12 }));
    expect(() => open(origin, 5, 2)).toThrow("the log ends at 10, and 12 was committed");
  });

  test("where entries are missing between the state and the log", async () => {
    const write = (wal: Wal) => {
      wal.snapshot({ index: 19, term: 2, confState });
      append(wal, 20, 25, { term: 2, vote: 0n, commit: 22 });
    };
    const origin = await restarted(write);
    expect(() => open(origin, 10, 2)).toThrow("the log begins at 20, the state ends at 10");
  });
});

test("entries that the state has already are not applied again, and those behind it are", async () => {
  const origin = await restarted((wal) => append(wal, 1, 10, { term: 2, vote: 3n, commit: 9 }));
  expect(open(origin, 7, 2)).toMatchObject({ last: 10, hardState: { term: 2, vote: 3n, commit: 9 }, termAtStart: 2 });
});

describe("a member that joined, and went down", () => {
  const member = (id: bigint, name: string): ClusterMember => ({
    id,
    name,
    peerUrls: [`http://${name}:1`],
    clientUrls: [],
    isLearner: false,
  });
  const options = {
    name: "a",
    initialCluster: new Map([
      ["a", ["http://a:1"]],
      ["b", ["http://b:1"]],
    ]),
    log: () => undefined,
  } as unknown as MemberOptions;
  const asked: string[] = [];
  const ask = async (urls: readonly string[]) => {
    asked.push(...urls);
    return { clusterId: 7n, members: [member(1n, "a"), member(2n, "b")], index: 1, unheard: new Set<string>() };
  };

  test("before it heard of itself asks again whom to answer", async () => {
    const origin = await restarted((wal) => wal.append([], { term: 3, vote: 0n, commit: 0 }));
    const { peers } = await stillJoining(origin, false, options, ask);
    expect(asked).toEqual(["http://b:1"]);
    expect(peers.map(({ name }) => name)).toEqual(["a", "b"]);
  });

  test("and has the entry that added it asks nobody", async () => {
    const context = encodeMemberChange({ member: member(1n, "a"), isPromote: false });
    const change = { id: 0n, type: ConfChangeType.ConfChangeAddNode, nodeId: 1n, context };
    const added = { type: EntryType.EntryConfChange, term: 1, index: 1, data: raftpb.ConfChange.encode(change) };
    const origin = await restarted((wal) => wal.append([added], { term: 1, vote: 0n, commit: 1 }));
    expect(await stillJoining(origin, false, options, () => Promise.reject(new Error("asked")))).toBe(origin);
  });
});

describe("who joins under the URLs of a member that was removed", () => {
  const [lagging, current] = ["http://lagging", "http://current"];
  const self = { id: 3n, name: "", peerUrls: ["http://self"], clientUrls: [], isLearner: false };
  const removed = { ...self, id: 2n, name: "self" };

  /** `answers`: per URL whom it lists, as of which index; undefined for who does not answer. */
  async function join(answers: Readonly<Record<string, { member: ClusterMember; index: number } | undefined>>) {
    const clock = new VirtualClock();
    const ask = async (url: string) => {
      const answer = answers[url];
      if (answer === undefined) throw new Error("no answer");
      return encodeMembers(7n, [answer.member], answer.index);
    };
    const options = {
      name: "self",
      advertisePeerUrls: self.peerUrls,
      initialCluster: new Map([
        ["self", self.peerUrls],
        ["lagging", [lagging]],
        ["current", [current]],
      ]),
      initialClusterState: "existing",
    } as unknown as MemberOptions;
    const wal = { files: new MemoryFiles(), directory: "wal", onFailure: fail, segmentBytes: 1 << 16 };
    const joined = openOrigin(options, wal, (urls, upToDate) => askEachForMembers(urls, ask, clock, upToDate));
    let isOver = false;
    const over = () => {
      isOver = true;
    };
    joined.then(over, over);
    while (!isOver) {
      await new Promise(setImmediate);
      clock.advance(100);
    }
    return joined;
  }

  test("has the id that it was added with, whoever answers first", async () => {
    const answers = { [lagging]: { member: removed, index: 5 }, [current]: { member: self, index: 9 } };
    expect((await join(answers)).id).toBe(3n);
  });

  test("does not take the old one's id from one that lags, while somebody might know better", async () => {
    const joined = join({ [lagging]: { member: removed, index: 5 }, [current]: undefined });
    await expect(joined).rejects.toMatchObject({ code: "MayBeRemoved", message: expect.stringContaining(current) });
  });

  test("and not before it is added again, of which only one knows that it was removed", async () => {
    const other = { ...self, id: 9n, peerUrls: ["http://other"] };
    const joined = join({ [lagging]: { member: removed, index: 5 }, [current]: { member: other, index: 9 } });
    await expect(joined).rejects.toMatchObject({ code: "NotAMember" });
  });

  test("is the one of before, without a disk, if all say so", async () => {
    const answers = { [lagging]: { member: removed, index: 5 }, [current]: { member: removed, index: 9 } };
    expect((await join(answers)).id).toBe(2n);
  });
});
