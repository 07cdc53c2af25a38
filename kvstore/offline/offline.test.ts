import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { toUtf8 } from "../../base/mod.ts";
import { LevelHome, MemoryHome, openState, type State } from "../mvcc/mod.ts";
import { machineClock } from "../server/machine-clock.ts";
import { Membership, memberToJson } from "../server/membership.ts";
import { readStateFile, stateFile } from "../snap/mod.ts";
import { nodeFiles, replay, Wal } from "../wal/mod.ts";
import { hashKvOfFile, importDataDir, type RestoreOptions, restoreSnapshot, snapshotStatus } from "./mod.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "flotilla-offline-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const quiet = () => undefined;
const onFailure = (error: unknown) => {
  throw error;
};

/** A store that has seen some revisions, and a compaction. */
async function someState(): Promise<State> {
  const state = await openState({ home: new MemoryHome(), clock: machineClock, minLeaseTtl: 2, onFailure });
  for (let at = 0; at < 40; at++) state.store.write((view) => view.put(`k${at % 7}`, toUtf8(`value ${at}`), 0n));
  state.store.write((view) => view.deleteRange({ from: "k3", to: "k4" }));
  state.store.setApplied(57, 3);
  const compacted = state.store.compact(20);
  if (!("failure" in compacted)) await compacted.physical;
  await state.backend.commit();
  return state;
}

async function fileOf({ backend }: State): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of (await readStateFile(await backend.work(stateFile))).pieces) pieces.push(piece.slice());
  return Buffer.concat(pieces);
}

function withChecksum(database: Buffer): Buffer {
  return Buffer.concat([database, createHash("sha256").update(database).digest()]);
}

const cluster = {
  members: new Map([
    ["a", ["http://a:2380"]],
    ["b", ["http://b:2380"]],
  ]),
  token: "t",
};

function restore(snapshot: string, changes: Partial<RestoreOptions> = {}): Promise<void> {
  const member = { name: "b", advertisePeerUrls: ["http://b:2380"], dataDir: join(directory, "b") };
  return restoreSnapshot({
    snapshot,
    cluster,
    ...member,
    skipHashCheck: false,
    bumpRevision: 0,
    log: quiet,
    ...changes,
  });
}

async function hashOfDataDir(dataDir: string): Promise<{ hash: unknown; revision: number; applied: unknown }> {
  const home = new LevelHome(join(dataDir, "member", "snap", "db"));
  const state = await openState({ home, clock: machineClock, minLeaseTtl: 2, onFailure });
  const { revision, applied } = state.store;
  const hash = await state.store.hashKv(0);
  await state.backend.close();
  return { hash, revision, applied };
}

describe("a snapshot", () => {
  test("restored has the same keys, at the start of a log that makes its members", async () => {
    const state = await someState();
    const path = join(directory, "snapshot.db");
    writeFileSync(path, withChecksum(await fileOf(state)));
    await restore(path);
    const expected = await state.store.hashKv(0);
    expect(await hashOfDataDir(join(directory, "b"))).toEqual({
      hash: expected,
      revision: state.store.revision,
      applied: { index: 2, term: 1 },
    });
    expect(await hashKvOfFile(path, 0)).toMatchObject({
      hash: (expected as { hash: number }).hash,
      compactRevision: 20,
    });
    expect(await snapshotStatus(path)).toMatchObject({ revision: state.store.revision, totalKey: 6 });
    const log = await replay(nodeFiles, join(directory, "b", "member", "wal"));
    expect(log).toMatchObject({ hardState: { term: 1, commit: 2 }, entries: [{ index: 1 }, { index: 2 }] });
    await expect(restore(path)).rejects.toThrow("not empty or could not be read");
  });

  test("that cannot be restored leaves nothing behind", async () => {
    const whole = await fileOf(await someState());
    const path = join(directory, "snapshot.db");
    // A leaf of the keys points nowhere: found only on the way.
    whole.writeUInt32LE(1 << 24, 2 * 4096 + 16 + 12);
    writeFileSync(path, withChecksum(whole));
    await expect(restore(path, { walDir: join(directory, "wal") })).rejects.toMatchObject({ code: "InvalidDatabase" });
    expect(readdirSync(directory)).toEqual(["snapshot.db"]);
  });
});

describe("a data directory of etcd", () => {
  const self = { id: 0x42n, name: "a", peerUrls: ["http://a:2380"], clientUrls: [], isLearner: false };

  /** As an etcd of one member leaves it: a file of bbolt that does not know term and configuration, as up to 3.4, and a log. */
  async function leftByEtcd(lastIndex: number): Promise<{ dataDir: string; state: State }> {
    const dataDir = join(directory, "etcd");
    const state = await someState();
    state.backend.put("members", "42", toUtf8(memberToJson(self)));
    state.backend.delete("meta", "term");
    mkdirSync(join(dataDir, "member", "snap"), { recursive: true });
    writeFileSync(join(dataDir, "member", "snap", "db"), await fileOf(state));
    const wal = await Wal.create(
      { files: nodeFiles, directory: join(dataDir, "member", "wal"), onFailure },
      { nodeID: self.id, clusterID: 7n },
    );
    const entries = Array.from({ length: lastIndex }, (_, at) => ({
      type: 0 as const,
      term: at < 50 ? 2 : 3,
      index: at + 1,
      data: new Uint8Array(0),
    }));
    wal.append(entries, { term: 3, vote: self.id, commit: lastIndex });
    await wal.close();
    return { dataDir, state };
  }

  test("is taken over in place, and its file kept", async () => {
    const { dataDir, state } = await leftByEtcd(60);
    await importDataDir({ dataDir, log: quiet });
    const expected = await state.store.hashKv(0);
    expect(await hashOfDataDir(dataDir)).toEqual({
      hash: expected,
      revision: state.store.revision,
      applied: { index: 57, term: 3 },
    });
    expect(readdirSync(join(dataDir, "member", "snap")).sort()).toEqual(["db", "db.etcd"]);
    await expect(importDataDir({ dataDir, log: quiet })).rejects.toThrow("is a data directory of this store already");
  });

  // etcd#19557: what had been written in one place was missing where the next version looked for it.
  test("keeps its members, and what each of them is", async () => {
    const { dataDir, state } = await leftByEtcd(60);
    const learner = { ...self, id: 0x43n, name: "b", peerUrls: ["http://b:2380"], isLearner: true };
    state.backend.put("members", "43", toUtf8(memberToJson(learner)));
    state.backend.put("members_removed", "44", toUtf8("removed"));
    await state.backend.commit();
    writeFileSync(join(dataDir, "member", "snap", "db"), await fileOf(state));
    await importDataDir({ dataDir, log: quiet });
    const home = new LevelHome(join(dataDir, "member", "snap", "db"));
    const { backend } = await openState({ home, clock: machineClock, minLeaseTtl: 2, onFailure });
    const membership = new Membership(backend);
    expect(membership.members).toEqual([self, learner]);
    expect(membership.isRemoved(0x44n)).toBe(true);
    expect(membership.confState).toMatchObject({ voters: [0x42n], learners: [0x43n] });
    await backend.close();
  });

  test("is taken over even if the first attempt was cut short", async () => {
    const { dataDir, state } = await leftByEtcd(60);
    const path = join(dataDir, "member", "snap", "db");
    renameSync(path, `${path}.etcd`);
    mkdirSync(`${path}.importing`);
    await importDataDir({ dataDir, log: quiet });
    expect(await hashOfDataDir(dataDir)).toMatchObject({ revision: state.store.revision });
    expect(existsSync(`${path}.importing`)).toBe(false);
  });

  test("whose log does not reach its database is refused and left as it is", async () => {
    const { dataDir } = await leftByEtcd(40);
    await expect(importDataDir({ dataDir, log: quiet })).rejects.toThrow("the log does not reach entry 57");
    expect(readdirSync(join(dataDir, "member", "snap"))).toContain("db");
    expect(existsSync(join(dataDir, "member", "snap", "db.etcd"))).toBe(false);
  });
});
