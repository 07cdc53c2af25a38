import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32c } from "@node-rs/crc32";
import { describe, expect, test } from "vitest";
import { Failure, fromUtf8, toUtf8 } from "../../base/mod.ts";
import { walpb } from "../../proto/mod.ts";
import { type Entry, EntryType } from "../../raft/mod.ts";
import { MemoryFiles } from "./memory-files.ts";
import { nodeFiles } from "./node-files.ts";
import { Wal } from "./wal.ts";

const directory = "member/wal";
const metadata = { nodeID: 0xfedc_ba98_7654_3210n, clusterID: 7n };

function entry(index: number, text: string, term = 1): Entry {
  return { type: EntryType.EntryNormal, term, index, data: toUtf8(text) };
}

function options(files: MemoryFiles, segmentBytes = 4096) {
  return {
    files,
    directory,
    segmentBytes,
    onFailure: (error: Error) => {
      throw error;
    },
  };
}

/** Appends and waits until it is durable. */
function append(wal: Wal, entries: Entry[], commit = 0): Promise<void> {
  const hardState = { term: entries.at(-1)?.term ?? 1, vote: 3n, commit };
  return new Promise((resolve) => wal.append(entries, hardState, resolve));
}

async function reopen(files: MemoryFiles, segmentBytes = 4096) {
  const opened = await Wal.open(options(files, segmentBytes));
  expect(opened).toBeDefined();
  return opened!;
}

const texts = (entries: readonly Entry[]) => entries.map((e) => `${e.index}/${e.term} ${fromUtf8(e.data)}`);

describe("a log", () => {
  test("gives back what was appended: whose it is, entries, hard state, snapshots", async () => {
    const files = new MemoryFiles();
    const wal = await Wal.create(options(files), metadata);
    await append(wal, [entry(1, "a"), entry(2, "")]);
    wal.snapshot({ index: 2, term: 1, confState: { voters: [1n], autoLeave: false } });
    await append(wal, [entry(3, "c", 2)], 2);
    await wal.close();
    const { replay } = await reopen(files);
    expect(replay.metadata).toEqual(metadata);
    expect(texts(replay.entries)).toEqual(["1/1 a", "2/1 ", "3/2 c"]);
    expect(replay.hardState).toEqual({ term: 2, vote: 3n, commit: 2 });
    expect(replay.snapshots.map((s) => s.index)).toEqual([0, 2]);
  });

  test("ends where a write was cut off, also if its last sectors are there and its first is not, and grows over them", async () => {
    const files = new MemoryFiles();
    const wal = await Wal.create(options(files), metadata);
    await append(wal, [entry(1, "a")]);
    files.crashAt(files.writes, (sector) => sector > 0);
    wal.append([entry(2, "x".repeat(1500))], undefined);
    files.restart();
    for (let index = 2; index <= 20; index++) {
      const { wal: again, replay } = await reopen(files);
      expect(replay.entries).toHaveLength(index - 1);
      await append(again, [entry(index, "b".repeat(100))]);
      files.restart();
    }
  });

  test("has nothing to write for nothing, and says so when all before it is durable", async () => {
    const files = new MemoryFiles();
    const wal = await Wal.create(options(files), metadata);
    const done: string[] = [];
    wal.append([entry(1, "a")], undefined, () => done.push("a"));
    await new Promise<void>((resolve) => wal.append([], undefined, resolve));
    expect(done).toEqual(["a"]);
    await new Promise<void>((resolve) => wal.append([], undefined, resolve));
    await wal.close();
  });

  test("an entry replaces the one at its index and all behind it", async () => {
    const files = new MemoryFiles();
    const wal = await Wal.create(options(files), metadata);
    await append(wal, [entry(1, "a"), entry(2, "b"), entry(3, "c")]);
    await append(wal, [entry(2, "B", 2)]);
    await wal.close();
    expect(texts((await reopen(files)).replay.entries)).toEqual(["1/1 a", "2/2 B"]);
  });

  test("a snapshot beyond its end starts it anew", async () => {
    const files = new MemoryFiles();
    const wal = await Wal.create(options(files), metadata);
    await append(wal, [entry(1, "a")]);
    wal.snapshot({ index: 10, term: 2 });
    await append(wal, [entry(11, "k", 2)], 10);
    await wal.close();
    expect(texts((await reopen(files)).replay.entries)).toEqual(["11/2 k"]);
  });

  test("a snapshot within it that it contradicts takes its place, with what followed", async () => {
    const files = new MemoryFiles();
    const wal = await Wal.create(options(files), metadata);
    await append(wal, [entry(1, "a"), entry(2, "b"), entry(3, "c"), entry(4, "d"), entry(5, "e")], 1);
    wal.snapshot({ index: 4, term: 2, confState: { voters: [1n], autoLeave: false } });
    await append(wal, [], 4);
    await wal.close();
    const { wal: again, replay } = await reopen(files);
    expect(texts(replay.entries)).toEqual([]);
    await append(again, [entry(5, "E", 2)], 4);
    await again.close();
    expect(texts((await reopen(files)).replay.entries)).toEqual(["5/2 E"]);
  });

  test("what is appended during a write is durable with the next one, in one write", async () => {
    const files = new MemoryFiles();
    const wal = await Wal.create(options(files), metadata);
    await wal.release(0); // the spare segment is there
    await new Promise((resolve) => setImmediate(resolve));
    const before = files.writes;
    const done: number[] = [];
    for (let i = 1; i <= 100; i++) wal.append([entry(i, "x")], undefined, () => done.push(i));
    await append(wal, []);
    expect(done).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
    expect(files.writes - before).toBe(2);
  });

  test("goes on in a new segment when one is full, and lets go of the old ones", async () => {
    const files = new MemoryFiles();
    const wal = await Wal.create(options(files, 1024), metadata);
    for (let i = 1; i <= 100; i++) await append(wal, [entry(i, "x".repeat(100))], i - 1);
    const names = (await files.list(directory)).filter((name) => name.endsWith(".wal"));
    expect(names.length).toBeGreaterThan(10);
    expect(names[0]).toBe("0000000000000000-0000000000000000.wal");
    expect(names[1]).toMatch(/^0000000000000001-00000000000000/);
    await wal.release(50);
    await wal.close();
    const { replay } = await reopen(files, 1024);
    expect(replay.entries[0]!.index).toBeLessThanOrEqual(50);
    expect(replay.entries[0]!.index).toBeGreaterThan(40);
    expect(replay.entries.at(-1)!.index).toBe(100);
    expect(replay.hardState.commit).toBe(99);
  });

  test("a second process is refused while the first has it open", async () => {
    const files = new MemoryFiles();
    const wal = await Wal.create(options(files), metadata);
    await expect(Wal.open(options(files))).rejects.toMatchObject({ code: "DataDirLocked" });
    await wal.close();
    await (await reopen(files)).wal.close();
  });

  test("a failed write is reported once and nothing is acknowledged after it", async () => {
    const files = new MemoryFiles();
    const failures: string[] = [];
    const wal = await Wal.create({ ...options(files), onFailure: (error) => failures.push(error.message) }, metadata);
    await append(wal, [entry(1, "a")]);
    files.failWrites(new Error("EIO"));
    let acknowledged = false;
    wal.append([entry(2, "b")], undefined, () => {
      acknowledged = true;
    });
    wal.append([entry(3, "c")], undefined, () => {
      acknowledged = true;
    });
    const lost = expect(wal.durable()).rejects.toThrow("EIO");
    await wal.close();
    await lost;
    await expect(wal.durable()).rejects.toThrow("EIO");
    expect(failures).toEqual(["EIO"]);
    expect(acknowledged).toBe(false);
  });

  test("tells when all that was appended is durable, whoever asked for it to be", async () => {
    const wal = await Wal.create(options(new MemoryFiles()), metadata);
    await wal.durable();
    const order: string[] = [];
    wal.append([entry(1, "under way")], undefined, () => order.push("1"));
    wal.append([entry(2, "in the next write")], undefined, () => order.push("2"));
    const all = wal.durable().then(() => order.push("all"));
    wal.append([entry(3, "in the same")], undefined, () => order.push("3"));
    await all;
    expect(order.slice(0, 2)).toEqual(["1", "2"]);
    expect(order.at(-1)).toBe("all");
    await wal.close();
    await wal.durable();
  });
});

describe("power failures", () => {
  test("a log that begins with entries has all of them or is not there, at whatever step its making ends", async () => {
    const beginning = { entries: [entry(1, "a"), entry(2, "b")], hardState: { term: 1, vote: 0n, commit: 2 } };
    const made = new MemoryFiles();
    await (await Wal.create(options(made), metadata, beginning)).close();
    const steps = made.writes;
    expect(steps).toBeGreaterThan(2);
    for (let step = 0; step < steps; step++) {
      const files = new MemoryFiles();
      files.crashAt(step, (sector) => sector % 2 === 0);
      const making = Wal.create(options(files), metadata, beginning);
      making.catch(() => undefined); // nothing completes once the power is off
      while (!files.isOff) await new Promise((resolve) => setImmediate(resolve));
      files.restart();
      const opened = await Wal.open(options(files));
      if (opened === undefined) continue;
      expect(texts(opened.replay.entries)).toEqual(["1/1 a", "2/1 b"]);
      expect(opened.replay.hardState).toEqual(beginning.hardState);
    }
    const { replay } = await reopen(made);
    expect([texts(replay.entries), replay.hardState]).toEqual([["1/1 a", "2/1 b"], beginning.hardState]);
  });

  test("at every durable step, with every kind of torn write: what was acknowledged is there, and appending goes on", async () => {
    const tears = {
      nothing: () => false,
      everything: () => true,
      "the first half": (sector: number, sectors: number) => sector < sectors / 2,
      "the second half": (sector: number, sectors: number) => sector >= sectors / 2,
      "every other sector": (sector: number) => sector % 2 === 0,
    };
    const story = async (files: MemoryFiles, acknowledged: number[]) => {
      const wal = await Wal.create(options(files, 3000), metadata);
      acknowledged.push(0);
      for (let i = 1; i <= 12; i++) {
        await append(wal, [entry(i, `${i} `.repeat(500))], i - 1);
        acknowledged.push(i);
        if (i === 9) await wal.release(5);
      }
      await wal.close();
    };
    const whole = new MemoryFiles();
    await story(whole, []);
    for (let step = 0; step < whole.writes; step++) {
      for (const [kind, tear] of Object.entries(tears)) {
        const files = new MemoryFiles();
        const acknowledged: number[] = [];
        files.crashAt(step, tear);
        await Promise.race([story(files, acknowledged), powerIsOff(files)]);
        files.restart();
        const where = `step ${step}, reached: ${kind}`;
        const opened = await Wal.open(options(files, 3000));
        if (opened === undefined) {
          expect(acknowledged, where).toEqual([]);
          continue;
        }
        const last = opened.replay.entries.at(-1)?.index ?? 0;
        expect(last, where).toBeGreaterThanOrEqual(acknowledged.at(-1) ?? 0);
        for (const e of opened.replay.entries) expect(fromUtf8(e.data), where).toBe(`${e.index} `.repeat(500));
        await append(opened.wal, [entry(last + 1, "after")]);
        await opened.wal.close();
        expect((await reopen(files, 3000)).replay.entries.at(-1)?.index, where).toBe(last + 1);
      }
    }
  });

  test("a file cut at any byte reads up to the last whole record", async () => {
    const files = new MemoryFiles();
    const wal = await Wal.create(options(files), metadata);
    for (let i = 1; i <= 5; i++) await append(wal, [entry(i, "abcdefgh".repeat(i))]);
    await wal.close();
    const path = `${directory}/0000000000000000-0000000000000000.wal`;
    const bytes = files.contents(path).slice();
    const used = bytes.findLastIndex((byte) => byte !== 0) + 1;
    // The first three records are what a log is born with: without them there is no log, and no crash leaves that.
    for (let cut = 100; cut < used; cut++) {
      files.overwrite(path, bytes.subarray(0, cut));
      const { wal, replay } = await reopen(files);
      const expected = Array.from(
        { length: replay.entries.length },
        (_, i) => `${i + 1}/1 ${"abcdefgh".repeat(i + 1)}`,
      );
      expect(texts(replay.entries)).toEqual(expected);
      await wal.close();
    }
  });
});

describe("what is overwritten", () => {
  // Cutting the log and writing what takes the place are one stream of records: there is no moment between them.
  test("is, after a power failure at any step, still the old end of the log or a part of the new one, never a mixture", async () => {
    const old = [1, 2, 3, 4, 5].map((index) => entry(index, `old ${index} `.repeat(90)));
    const replacement = [4, 5, 6, 7].map((index) => entry(index, `new ${index} `.repeat(90), 2));
    const story = async (files: MemoryFiles, acknowledged: string[]) => {
      const wal = await Wal.create(options(files), metadata);
      await append(wal, old, 3);
      acknowledged.push("old");
      await append(wal, replacement, 3);
      acknowledged.push("new");
      await wal.close();
    };
    const whole = new MemoryFiles();
    await story(whole, []);
    for (let step = 0; step < whole.writes; step++) {
      for (let mask = 0; mask < 32; mask++) {
        const files = new MemoryFiles();
        const acknowledged: string[] = [];
        files.crashAt(step, (sector) => ((mask >> (sector % 5)) & 1) === 1);
        await Promise.race([story(files, acknowledged), powerIsOff(files)]);
        files.restart();
        const { entries, hardState } = (await Wal.open(options(files)))?.replay ?? {
          entries: [],
          hardState: undefined,
        };
        if (!acknowledged.includes("old")) continue;
        const where = `step ${step}, sectors ${mask.toString(2)}`;
        const terms = entries.map(({ term }) => term);
        expect(terms.slice(0, 3), where).toEqual([1, 1, 1]);
        expect(terms, where).toEqual(terms.toSorted());
        expect(
          entries.map(({ index }) => index),
          where,
        ).toEqual(entries.map((_, i) => i + 1));
        if (!terms.includes(2)) expect(entries.length, where).toBe(5);
        if (acknowledged.includes("new")) expect([entries.length, hardState?.term], where).toEqual([7, 2]);
      }
    }
  });
});

test("term and vote are one record: cut off anywhere, the log holds a pair that was written, and never an older one than was acknowledged", async () => {
  const files = new MemoryFiles();
  const wal = await Wal.create(options(files), metadata);
  const votes = Array.from({ length: 8 }, (_, i) => ({ term: i + 1, vote: BigInt(1000 ** (i % 4) + i), commit: 0 }));
  const path = `${directory}/0000000000000000-0000000000000000.wal`;
  const used = () => files.contents(path).findLastIndex((byte) => byte !== 0) + 1;
  const ends: number[] = [];
  for (const vote of votes) {
    await new Promise<void>((resolve) => wal.append([], vote, resolve));
    ends.push(used());
  }
  await wal.close();
  const bytes = files.contents(path).slice();
  for (let cut = 100; cut < bytes.length && cut <= used(); cut++) {
    files.overwrite(path, bytes.subarray(0, cut));
    const opened = await reopen(files);
    const { term, vote } = opened.replay.hardState;
    const acknowledged = ends.filter((end) => end <= cut).length;
    expect(term).toBeGreaterThanOrEqual(acknowledged);
    if (term > 0) expect(vote).toBe(votes[term - 1]?.vote);
    await opened.wal.close();
  }
});

describe("a full disk", () => {
  test("in the middle of a record: nothing is acknowledged; with room again what was acknowledged is there, and no more", async () => {
    for (let room = 0; room < 1200; room += 37) {
      const files = new MemoryFiles();
      const failures: string[] = [];
      const wal = await Wal.create({ ...options(files), onFailure: (error) => failures.push(error.message) }, metadata);
      await append(wal, [entry(1, "a"), entry(2, "b")], 1);
      files.fillUp(room);
      let acknowledged = false;
      wal.append([entry(3, "x".repeat(900)), entry(4, "y".repeat(300))], undefined, () => {
        acknowledged = true;
      });
      await wal.close();
      expect([acknowledged, failures]).toEqual([false, ["ENOSPC: no space left on device, write"]]);
      files.restart();
      const opened = await reopen(files);
      expect(texts(opened.replay.entries).slice(0, 2)).toEqual(["1/1 a", "2/1 b"]);
      expect(opened.replay.entries.length).toBeLessThan(4);
      await append(opened.wal, [entry(3, "instead", 2)], 2);
      await opened.wal.close();
      expect(texts((await reopen(files)).replay.entries)).toEqual(["1/1 a", "2/1 b", "3/2 instead"]);
    }
  });
});

describe("damage", () => {
  test("to any bit of a record with others behind it is refused, and nothing is cut off", async () => {
    const files = new MemoryFiles();
    const wal = await Wal.create(options(files), metadata);
    for (let i = 1; i <= 20; i++) await append(wal, [entry(i, `value ${i} `.repeat(4))]);
    await wal.close();
    const path = `${directory}/0000000000000000-0000000000000000.wal`;
    const bytes = files.contents(path).slice();
    const used = bytes.findLastIndex((byte) => byte !== 0) + 1;
    const lost: [at: number, flip: number, outcome: unknown][] = [];
    // Every bit, and what makes one type of record another: no checksum covers it.
    const flips = [1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 64, 128];
    for (let at = 0; at <= used - 400; at++) {
      for (const flip of flips) {
        const broken = bytes.slice();
        broken[at]! ^= flip;
        // A head of zeros at the end of a sector is what a crash leaves, too, if the sectors behind it were written first.
        const head = broken.subarray(at - (at % 8), at - (at % 8) + 8);
        if (at % 512 >= 504 && head.every((byte) => byte === 0)) continue;
        files.overwrite(path, broken);
        const outcome = await Wal.open(options(files)).then(
          async (opened) => {
            await opened?.wal.close();
            return opened?.replay.entries.length;
          },
          (error: { code?: string }) => error.code,
        );
        // Padding carries nothing: changing it is no damage. Anything else is found.
        if (outcome !== 20 && outcome !== "WalDamaged") lost.push([at, flip, outcome]);
        if (outcome === "WalDamaged") expect(files.contents(path)).toEqual(broken);
      }
    }
    expect(lost).toEqual([]);
  });

  test("says where, what, and what to do", async () => {
    const files = new MemoryFiles();
    const wal = await Wal.create(options(files), metadata);
    await append(wal, [entry(1, "a".repeat(100)), entry(2, "b"), entry(3, "c")]);
    await wal.close();
    const path = `${directory}/0000000000000000-0000000000000000.wal`;
    const bytes = files.contents(path).slice();
    bytes[bytes.indexOf(97) + 5] = 98;
    files.overwrite(path, bytes);
    const refusal: unknown = await Wal.open(options(files)).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(Failure);
    expect((refusal as Failure).message).toBe(
      `the write-ahead log is damaged: ${path} at byte 72: the checksum of a record does not match its bytes`,
    );
    expect((refusal as Failure).advice).toContain("add it again");
  });

  test("a segment missing from the middle is refused", async () => {
    const files = new MemoryFiles();
    const wal = await Wal.create(options(files, 1024), metadata);
    for (let i = 1; i <= 40; i++) await append(wal, [entry(i, "x".repeat(100))]);
    await wal.close();
    const names = (await files.list(directory)).filter((name) => name.endsWith(".wal"));
    await files.remove(`${directory}/${names[1]}`);
    await expect(Wal.open(options(files, 1024))).rejects.toMatchObject({ code: "WalDamaged" });
  });
});

/** The format, decoded by the rules of the original alone: frames, padding, rolling checksum, order of records. */
test("a segment on a real disk is framed as etcd frames it", async () => {
  const path = await mkdtemp(join(tmpdir(), "flotilla-wal-"));
  try {
    const wal = await Wal.create({ files: nodeFiles, directory: path, onFailure: fail }, metadata);
    await append(wal, [entry(1, "a"), entry(2, "bb"), entry(3, "")], 1);
    await append(wal, [entry(4, "x".repeat(3000))], 3);
    await wal.close();
    const bytes = await readFile(join(path, "0000000000000000-0000000000000000.wal"));
    expect(bytes.length).toBe(64_000_000);
    const types: number[] = [];
    let crc = 0;
    let at = 0;
    while (bytes.readBigUInt64LE(at) !== 0n) {
      const head = bytes.readBigUInt64LE(at);
      const length = Number(head & 0xff_ffff_ffff_ffffn);
      const top = Number(head >> 56n);
      const padding = top === 0 ? 0 : top & 7;
      expect(top === 0 || (top & 0xf8) === 0x80).toBe(true);
      expect((length + padding) % 8).toBe(0);
      const record = walpb.Record.decode(bytes.subarray(at + 8, at + 8 + length));
      if (record.data.length > 0) crc = crc32c(record.data, crc);
      expect(record.crc).toBe(crc);
      types.push(record.type);
      at += 8 + length + padding;
    }
    expect(types).toEqual([4, 1, 5, 2, 2, 2, 3, 2, 3]);
    expect(bytes.subarray(at).every((byte) => byte === 0)).toBe(true);
  } finally {
    await rm(path, { recursive: true });
  }
});

/** Debian's etcd writes; we read. */
test("a log written by etcd is read, entry by entry", async () => {
  const path = await mkdtemp(join(tmpdir(), "flotilla-wal-"));
  const port = 20_000 + (process.pid % 10_000) * 2;
  const [client, peer] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${port + 1}`];
  const cluster = ["--initial-advertise-peer-urls", peer, "--initial-cluster", `default=${peer}`];
  const urls = ["--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer];
  const etcd = spawn("etcd", ["--data-dir", path, ...urls, ...cluster], { stdio: ["ignore", "ignore", "pipe"] });
  try {
    await new Promise<void>((resolve, reject) => {
      etcd.on("error", reject);
      etcd.on("exit", () => reject(new Error("etcd ended")));
      etcd.stderr.on("data", (chunk: Buffer) => {
        if (chunk.includes("ready to serve client requests")) resolve();
      });
    });
    for (let i = 0; i < 5; i++) {
      const body = JSON.stringify({ key: btoa(`key ${i}`), value: btoa("v".repeat(i * 400)) });
      expect((await fetch(`${client}/v3/kv/put`, { method: "POST", body })).status).toBe(200);
    }
    etcd.kill("SIGKILL");
    await new Promise((resolve) => etcd.once("close", resolve));
    const opened = await Wal.open({ files: nodeFiles, directory: join(path, "member/wal"), onFailure: fail });
    const { replay } = opened!;
    expect(replay.entries.map((e) => e.index)).toEqual(replay.entries.map((_, i) => i + 1));
    const values = replay.entries.map((e) => fromUtf8(e.data)).filter((data) => data.includes("key "));
    expect(values.map((data) => /key \d/.exec(data)![0])).toEqual([0, 1, 2, 3, 4].map((i) => `key ${i}`));
    expect(replay.hardState.term).toBeGreaterThan(0);
    await opened!.wal.close();
  } finally {
    etcd.kill("SIGKILL");
    await rm(path, { recursive: true, force: true });
  }
});

test("the lock of a process that died is taken over, that of a living one is not", async () => {
  const path = await mkdtemp(join(tmpdir(), "flotilla-lock-"));
  try {
    await writeFile(join(path, "lock"), "999999999 12345\n");
    const lock = await nodeFiles.lock(join(path, "lock"));
    await expect(nodeFiles.lock(join(path, "lock"))).rejects.toMatchObject({ code: "DataDirLocked" });
    await lock.release();
    const stat = await readFile("/proc/1/stat", "utf8");
    await writeFile(join(path, "lock"), `1 ${stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]}\n`);
    await expect(nodeFiles.lock(join(path, "lock"))).rejects.toThrow("in use by process 1");
    expect(await readdir(path)).toEqual(["lock"]);
  } finally {
    await rm(path, { recursive: true });
  }
});

function fail(error: Error): never {
  throw error;
}

async function powerIsOff(files: MemoryFiles): Promise<void> {
  while (!files.isOff) await new Promise((resolve) => setImmediate(resolve));
}
