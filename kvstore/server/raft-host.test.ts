import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromUtf8, seededRandom, toUtf8, VirtualClock } from "../../base/mod.ts";
import { raftpb } from "../../proto/mod.ts";
import {
  asConfChangeV2,
  type ConfChange,
  ConfChangeType,
  type Entry,
  EntryType,
  MemoryStorage,
  type Message,
  RawNode,
} from "../../raft/mod.ts";
import { MemoryFiles, Wal } from "../wal/mod.ts";
import { RaftHost } from "./raft-host.ts";
import type { ReadFailure } from "./reads.ts";
import type { Transport } from "./transport.ts";

const ids = [1n, 2n, 3n] as const;
const tickMs = 100;

/** Three hosts over disks that can lose power and a network that can be cut, in virtual time. */
class Cluster {
  readonly clock = new VirtualClock();
  readonly nodes = new Map<bigint, TestNode>();
  readonly cut = new Set<bigint>();

  static async start(seed: number): Promise<Cluster> {
    const cluster = new Cluster();
    for (const id of ids) cluster.nodes.set(id, await TestNode.start(cluster, id, new MemoryFiles(), seed));
    return cluster;
  }

  deliver(message: Message): void {
    if (this.cut.has(message.from) || this.cut.has(message.to)) return;
    // Bytes, as on the wire: nobody may hold on to what another changes.
    const bytes = raftpb.Message.encode(message);
    setImmediate(() => this.nodes.get(message.to)?.host.step(raftpb.Message.decode(bytes) as Message));
  }

  /** Lets the members work, time passing, until `done`. */
  async until(what: string, done: () => boolean): Promise<void> {
    for (let round = 0; !done(); round++) {
      if (round > 2000) throw new Error(`never came: ${what}`);
      await this.rounds(1);
    }
  }

  async rounds(count: number): Promise<void> {
    for (let round = 0; round < count; round++) {
      for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
      this.clock.advance(tickMs / 2);
    }
  }

  get leader(): TestNode | undefined {
    const leading = [...this.nodes.values()].filter(({ host, id }) => host.isLeader && !this.cut.has(id));
    return leading.sort((a, b) => b.host.leadership.term - a.host.leadership.term)[0];
  }

  async elected(): Promise<TestNode> {
    await this.until("a leader", () => this.leader !== undefined);
    return this.leader!;
  }

  stop(): void {
    for (const { host } of this.nodes.values()) host.stop();
  }
}

class TestNode {
  readonly id: bigint;
  readonly files: MemoryFiles;
  readonly host: RaftHost;
  /** What was applied, from the first index on. */
  readonly applied: Entry[] = [];
  readonly failures: unknown[] = [];
  stoodStillMs = 0;

  private constructor(
    cluster: Cluster,
    id: bigint,
    files: MemoryFiles,
    wal: Wal,
    storage: MemoryStorage,
    seed: number,
  ) {
    this.id = id;
    this.files = files;
    const node = new RawNode({ id, storage, random: seededRandom(seed * 10 + Number(id)), electionTicks: 10 });
    const transport: Transport = {
      send: (messages) => {
        for (const message of messages) cluster.deliver(message);
      },
      request: () => Promise.reject(new Error("not here")),
      setPeers: () => undefined,
      connectedSince: () => 0,
      abandonRequests: () => undefined,
      versionOf: () => undefined,
      stop: async () => undefined,
    };
    this.host = new RaftHost({
      node,
      storage,
      wal,
      transport: () => transport,
      stateMachine: {
        apply: (entry) => this.#apply(entry),
        install: () => Promise.reject(new Error("no snapshots here")),
      },
      applied: 0,
      clock: {
        now: () => cluster.clock.now(),
        monotonic: () => cluster.clock.monotonic() + this.stoodStillMs,
        after: (ms, fire) => cluster.clock.after(ms, fire),
      },
      log: () => undefined,
      tickMs,
      electionTicks: 10,
      requestTimeoutMs: 7000,
      onLeadership: () => undefined,
      onHandedOver: () => undefined,
      onApplied: () => undefined,
      onTick: () => undefined,
      onFailure: (error) => this.failures.push(error),
    });
  }

  static async start(cluster: Cluster, id: bigint, files: MemoryFiles, seed: number): Promise<TestNode> {
    const node: { failures?: unknown[] } = {};
    const options = {
      files,
      directory: "wal",
      onFailure: (error: Error) => node.failures?.push(error),
      segmentBytes: 1 << 16,
    };
    const storage = new MemoryStorage();
    let opened = await Wal.open(options);
    if (opened === undefined) {
      const wal = await Wal.create(options, { nodeID: id, clusterID: 7n });
      const entries = ids.map((nodeId, at): Entry => {
        const change = { id: 0n, type: ConfChangeType.ConfChangeAddNode, nodeId, context: new Uint8Array(0) };
        return { type: EntryType.EntryConfChange, term: 1, index: at + 1, data: raftpb.ConfChange.encode(change) };
      });
      await new Promise<void>((resolve) => wal.append(entries, { term: 1, vote: 0n, commit: ids.length }, resolve));
      await wal.close();
      opened = (await Wal.open(options))!;
    }
    storage.append(opened.replay.entries);
    storage.setHardState(opened.replay.hardState);
    const started = new TestNode(cluster, id, files, opened.wal, storage, seed);
    node.failures = started.failures;
    started.host.start();
    return started;
  }

  get values(): string[] {
    return this.applied
      .filter(({ type, data }) => type === EntryType.EntryNormal && data.length > 0)
      .map(({ data }) => fromUtf8(data));
  }

  #apply(entry: Entry): void {
    this.applied.push(entry);
    if (entry.type !== EntryType.EntryConfChange) return;
    this.host.applyConfChange(asConfChangeV2(raftpb.ConfChange.decode(entry.data) as ConfChange), entry.index);
  }
}

describe("a cluster of hosts", () => {
  test("applies what was proposed, anywhere, everywhere, in one order", async () => {
    const cluster = await Cluster.start(1);
    await cluster.elected();
    for (const { host, id } of cluster.nodes.values())
      for (let at = 0; at < 50; at++) host.propose(toUtf8(`${id}/${at}`));
    const all = [...cluster.nodes.values()];
    await cluster.until("everything applied", () => all.every(({ values }) => values.length === 150));
    expect(all[1]!.values).toEqual(all[0]!.values);
    expect(all[2]!.values).toEqual(all[0]!.values);
    cluster.stop();
  });

  test("what arrives in one turn is one write", async () => {
    const cluster = await Cluster.start(2);
    const leader = await cluster.elected();
    await cluster.rounds(5);
    const before = leader.files.writes;
    for (let at = 0; at < 1000; at++) leader.host.propose(toUtf8(`${at}`));
    await cluster.until("everything applied", () => leader.values.length === 1000);
    // One for the entries; the commit index may follow in another.
    expect(leader.files.writes - before).toBeLessThanOrEqual(2);
    cluster.stop();
  });

  test("nothing is applied before a quorum of disks has it", async () => {
    const cluster = await Cluster.start(3);
    const leader = await cluster.elected();
    await cluster.rounds(5);
    const followers = [...cluster.nodes.values()].filter((node) => node !== leader);
    for (const { files } of followers) files.crashAt(files.writes, () => false);
    leader.host.propose(toUtf8("lost?"));
    await cluster.rounds(8);
    expect(leader.values).toEqual([]);
    cluster.stop();
  });

  test("a leader whose own disk is slow is no obstacle: the others' disks are a quorum", async () => {
    const cluster = await Cluster.start(4);
    const leader = await cluster.elected();
    await cluster.rounds(5);
    leader.files.crashAt(leader.files.writes);
    leader.host.propose(toUtf8("without me"));
    const followers = [...cluster.nodes.values()].filter((node) => node !== leader);
    await cluster.until("applied by the others", () => followers.every(({ values }) => values.includes("without me")));
    cluster.stop();
  });

  test("a leader whose disk hangs for good hands over: its clients wait for nothing else, for it applies what its disk has", async () => {
    const cluster = await Cluster.start(11);
    const leader = await cluster.elected();
    await cluster.rounds(5);
    leader.files.crashAt(leader.files.writes);
    leader.host.propose(toUtf8("seen by all but the leader"));
    await cluster.rounds(20); // an election timeout
    expect([leader.host.isLeader, leader.values]).toEqual([true, []]);
    await cluster.until("another leader", () => cluster.leader !== undefined && cluster.leader !== leader);
    cluster.leader!.host.propose(toUtf8("next"));
    await cluster.until("applied", () => cluster.leader!.values.includes("next"));
    expect(cluster.leader!.values).toEqual(["seen by all but the leader", "next"]);
    cluster.stop();
  });

  test("an error of the disk stops the member, and it acknowledges nothing after it", async () => {
    const cluster = await Cluster.start(5);
    const leader = await cluster.elected();
    await cluster.rounds(5);
    leader.files.failWrites(new Error("EIO"));
    leader.host.propose(toUtf8("x"));
    await cluster.until("the failure", () => leader.failures.length > 0);
    expect((leader.failures[0] as Error).message).toBe("EIO");
    cluster.stop();
  });
});

describe("what only a leader may say", () => {
  const said = (text: string) => toUtf8(text);

  test("is taken by the leader, and by nobody else", async () => {
    const cluster = await Cluster.start(8);
    const leader = await cluster.elected();
    for (const node of cluster.nodes.values()) {
      expect(node.host.proposeAsLeader(said(`from ${node.id}`))).toBe(node === leader);
    }
    await cluster.until("applied", () => leader.values.length === 1);
    expect(leader.values).toEqual([`from ${leader.id}`]);
    cluster.stop();
  });

  // A leader that stalls does not know of its successor. What it decides then is decided by nobody (etcd#15247).
  test("by one that was deposed without noticing comes to nothing: its successor never hears of it", async () => {
    const cluster = await Cluster.start(9);
    const old = await cluster.elected();
    await cluster.rounds(5);
    cluster.cut.add(old.id);
    expect(old.host.proposeAsLeader(said("revoke"))).toBe(true);
    const next = await cluster.elected();
    cluster.cut.clear();
    await cluster.until("the old one follows", () => old.host.leadership.leader === next.id);
    next.host.propose(said("end"));
    await cluster.until("all have the end", () =>
      [...cluster.nodes.values()].every(({ values }) => values.includes("end")),
    );
    for (const { values } of cluster.nodes.values()) expect(values).not.toContain("revoke");
    cluster.stop();
  });

  test("is not said after a long pause before it is known whether the others still follow", async () => {
    const cluster = await Cluster.start(10);
    const leader = await cluster.elected();
    await cluster.rounds(5);
    leader.stoodStillMs = 60_000; // the process was stopped: the time is another one, and nothing of it ran
    expect(leader.host.proposeAsLeader(said("revoke"))).toBe(false);
    expect(leader.host.node.role).toBe("follower");
    cluster.stop();
  });
});

describe("linearizable reads", () => {
  const read = (node: TestNode) => new Promise<ReadFailure | undefined>((resolve) => node.host.linearizable(resolve));

  test("see, at any member, every write that was acknowledged before them", async () => {
    const cluster = await Cluster.start(6);
    const leader = await cluster.elected();
    for (let at = 0; at < 10; at++) {
      leader.host.propose(toUtf8(`${at}`));
      await cluster.until("applied at the leader", () => leader.values.length === at + 1);
      for (const node of cluster.nodes.values()) {
        let answer: { failure: ReadFailure | undefined } | undefined;
        void read(node).then((failure) => {
          answer = { failure };
          expect(node.values.length).toBeGreaterThanOrEqual(at + 1);
        });
        await cluster.until("an answer", () => answer !== undefined);
        expect(answer?.failure).toBeUndefined();
      }
    }
    cluster.stop();
  });

  test("are never answered by a leader that was cut off", async () => {
    const cluster = await Cluster.start(7);
    const old = await cluster.elected();
    await cluster.rounds(5);
    cluster.cut.add(old.id);
    let answer: { failure: ReadFailure | undefined } | undefined;
    void read(old).then((failure) => {
      answer = { failure };
    });
    const next = await cluster.elected();
    expect(next).not.toBe(old);
    next.host.propose(toUtf8("new"));
    await cluster.until("applied by the new leader", () => next.values.includes("new"));
    await cluster.until("an answer", () => answer !== undefined);
    expect(answer?.failure).toMatch(/Timeout|LeaderChanged/);
    cluster.stop();
  });
});

test("power failures at any moment, at all members at once: what one applied, all have after the restart", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 1000 }),
      fc.array(fc.tuple(fc.integer({ min: 0, max: 12 }), fc.boolean()), { minLength: 3, maxLength: 3 }),
      async (seed, crashes) => {
        const before = await Cluster.start(seed);
        await before.elected();
        const nodes = [...before.nodes.values()];
        for (const [at, { files }] of nodes.entries()) {
          const [steps, tail] = crashes[at]!;
          files.crashAt(files.writes + steps, (sector, sectors) => (tail ? sector === sectors - 1 : sector === 0));
        }
        for (let at = 0; at < 30; at++) {
          nodes[at % 3]!.host.propose(toUtf8(`${at} `.repeat(1 + (at % 7) * 60)));
          await before.rounds(1);
        }
        const applied = nodes.map(({ values }) => values);
        before.stop();
        const after = new Cluster();
        for (const { id, files } of nodes) {
          files.restart();
          after.nodes.set(id, await TestNode.start(after, id, files, seed + 1));
        }
        const leader = await after.elected();
        leader.host.propose(toUtf8("end"));
        const restarted = [...after.nodes.values()];
        await after.until("all caught up", () => restarted.every(({ values }) => values.includes("end")));
        for (const values of applied) expect(leader.values.slice(0, values.length)).toEqual(values);
        for (const { values } of restarted) expect(values).toEqual(leader.values);
        after.stop();
      },
    ),
    { numRuns: 150 },
  );
});
