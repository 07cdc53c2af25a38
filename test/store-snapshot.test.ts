// Snapshots travel between this store and Debian's etcd, in both directions, with the tools users have.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toUtf8 } from "../base/mod.ts";
import { connect } from "../kvstore/client/mod.ts";
import { hashKvOfFile, importDataDir, type RestoreOptions, restoreSnapshot, snapshotStatus } from "../kvstore/mod.ts";
import { debianEtcd, etcdctl, flotilla, portsFor, StoreCluster, type StoreMember } from "./store-cluster.ts";
import { eventually } from "./support/eventually.ts";

const directory = mkdtempSync(join(tmpdir(), "flotilla-snapshots-"));
const lease = 0x1234_5678n;

/** Of everything a little: old versions, tombstones, transactions, large and empty values, leases, users and roles, a compaction. */
async function fill({ clientUrl }: StoreMember): Promise<void> {
  const { kv, lease: leases, close } = connect({ endpoints: [clientUrl] });
  const key = (name: string) => ({ key: toUtf8(name) });
  for (let at = 0; at < 300; at++)
    await kv.put({ ...key(`k/${String(at % 200).padStart(4, "0")}`), value: toUtf8(`value ${at}`) });
  await kv.deleteRange({ ...key("k/0010"), rangeEnd: toUtf8("k/0020") });
  await kv.put({ ...key("large"), value: new Uint8Array(700_000).fill(65) });
  await kv.put({ ...key("empty"), value: new Uint8Array(0) });
  await leases.grant(5000, lease);
  await kv.put({ ...key("leased/a"), value: toUtf8("1"), lease });
  await kv.put({ ...key("leased/b"), value: toUtf8("2"), lease });
  const puts = ["x", "y", "z"].map((name) => ({ requestPut: { ...key(`txn/${name}`), value: toUtf8(name) } }));
  await kv.txn({ compare: [], success: puts, failure: [] });
  await kv.compact({ revision: 150, physical: true });
  await kv.deleteRange(key("txn/y"));
  await kv.put({ ...key("k/0015"), value: toUtf8("born again") });
  await close();
  for (const command of [
    ["role", "add", "reader"],
    ["role", "grant-permission", "reader", "read", "k/", "--prefix"],
    ["user", "add", "ann:secret"],
    ["user", "grant-role", "ann", "reader"],
  ]) {
    const { code, stderr } = await etcdctl(clientUrl, command);
    expect(code, stderr).toBe(0);
  }
}

const asked: readonly (readonly string[])[] = [
  ["get", "", "--prefix", "-w", "json"],
  ["get", "k/", "--prefix", "--rev", "250", "-w", "json"],
  ["get", "k/0001", "--rev", "150", "-w", "json"],
  ["lease", "list"],
  ["lease", "timetolive", lease.toString(16), "--keys"],
  ["role", "get", "reader"],
  ["user", "get", "ann"],
  ["endpoint", "hashkv", "-w", "json"],
  ["endpoint", "hashkv", "--rev", "200", "-w", "json"],
];

/** One question of a kind: each costs a login where users have passwords. */
const askedFew = asked.filter((_, at) => [0, 4, 6, 7].includes(at));

/** Answers to what is asked, without who answered and when. */
async function answers({ clientUrl }: StoreMember, questions = asked, as: readonly string[] = []): Promise<string[]> {
  const found: string[] = [];
  for (const command of questions) {
    const { stdout, stderr } = await etcdctl(clientUrl, [...as, ...command]);
    const output = (stdout + stderr)
      .replace(/"header":\{[^}]*\}/g, "")
      .replace(/"Endpoint":"[^"]*"/, "")
      .replace(/remaining\(\d+s\)/, "")
      // Of a lease with two keys, in any order.
      .replace(/keys\(\[(\S+) (\S+)\]\)/, (_, ...keys: string[]) => keys.slice(0, 2).sort().join(" "));
    found.push(`${command.join(" ")}: ${output}`);
  }
  return found;
}

/** From now on one has to say who one is. */
async function enableAuth({ clientUrl }: StoreMember): Promise<void> {
  for (const command of [
    ["user", "add", "root:secret"],
    ["user", "grant-role", "root", "root"],
    ["auth", "enable"],
  ]) {
    const { code, stderr } = await etcdctl(clientUrl, command);
    expect(code, stderr).toBe(0);
  }
}

const root = ["--user", "root:secret"];

/** Nobody does nothing; a user does what the role allows. */
async function expectAuth({ clientUrl }: StoreMember): Promise<void> {
  const ann = ["--user", "ann:secret"];
  expect((await etcdctl(clientUrl, ["get", "k/0001"])).stderr).toMatch(/user name is empty/);
  expect((await etcdctl(clientUrl, [...ann, "get", "k/0001"])).stdout).toBe("k/0001\nvalue 201\n");
  expect((await etcdctl(clientUrl, [...ann, "put", "k/0001", "x"])).stderr).toMatch(/permission denied/);
  expect((await etcdctl(clientUrl, ["--user", "ann:wrong", "get", "k/0001"])).stderr).toMatch(/authentication failed/);
}

function etcdutl(...args: string[]): { code: number | null; stdout: string; stderr: string } {
  const [program, cli] = flotilla.command as [string, string];
  const { status, stdout, stderr } = spawnSync(program, [cli, "etcdutl", ...args], { encoding: "utf8" });
  return { code: status, stdout, stderr };
}

const quiet = () => undefined;

async function save(member: StoreMember, name: string, ...as: string[]): Promise<string> {
  const path = join(directory, name);
  const { code, stderr } = await etcdctl(member.clientUrl, [...as, "snapshot", "save", path]);
  expect(code, stderr).toBe(0);
  return path;
}

/** As etcd's flags have it: who is in the cluster that starts on ports from `first` on. */
const initialCluster = (first: number, size: number) =>
  Array.from({ length: size }, (_, at) => `m${at}=http://127.0.0.1:${first + 2 * at + 1}`).join(",");
const own = new StoreCluster({ ...flotilla, extraArgs: [] }, portsFor(7), 1);
const theirs = new StoreCluster(debianEtcd, portsFor(8), 1);
const restoredTheirs = new StoreCluster(debianEtcd, portsFor(9), 1);
const restoredOwn = new StoreCluster(flotilla, portsFor(10), 3);
const all = [own, theirs, restoredTheirs, restoredOwn];

beforeAll(async () => {
  await Promise.all([own, theirs].map((cluster) => cluster.start()));
  await Promise.all([own, theirs].map((cluster) => fill(cluster.members[0]!)));
});
afterAll(async () => {
  await Promise.all(all.map((cluster) => cluster.remove()));
  rmSync(directory, { recursive: true });
});

/** With etcd's own tool, into the directory where that member will look for it. */
async function restoreThere(file: string, target: StoreMember, slot: number): Promise<void> {
  const peers = initialCluster(portsFor(slot), 1);
  const flags = ["--name", "m0", "--initial-cluster", peers, "--initial-cluster-token", `test-${portsFor(slot)}`];
  const urls = ["--initial-advertise-peer-urls", peers.replace("m0=", ""), "--data-dir", target.dataDir];
  const { code, stderr } = await etcdctl("", ["snapshot", "restore", file, ...flags, ...urls]);
  expect(code, stderr).toBe(0);
}

test("from here to etcd: snapshot save, snapshot restore, and Debian's etcd has it all", async () => {
  const [member] = own.members;
  const [target] = restoredTheirs.members;
  const file = await save(member!, "own.db");
  const before = await answers(member!);
  await restoreThere(file, target!, 9);
  await restoredTheirs.start();
  expect(await answers(target!)).toEqual(before);
  await restoredTheirs.remove();
});

test("from etcd to here: one command makes three members of its snapshot", async () => {
  const [source] = theirs.members;
  const file = await save(source!, "theirs.db");
  const before = await answers(source!);
  const flags = [
    "--initial-cluster",
    initialCluster(portsFor(10), 3),
    "--initial-cluster-token",
    `test-${portsFor(10)}`,
  ];
  const made = etcdutl("snapshot", "restore-cluster", file, "--data-root", restoredOwn.directory, ...flags);
  expect(made.code, made.stderr).toBe(0);
  await restoredOwn.start();
  const [first, ...others] = restoredOwn.members;
  expect(await answers(first!)).toEqual(before);
  const few = await answers(first!, askedFew);
  for (const member of others) expect(await answers(member, askedFew)).toEqual(few);
  const put = await etcdctl(restoredOwn.endpoints, ["put", "after", "1"]);
  expect(put.stdout).toBe("OK\n");
  const status = await etcdctl(restoredOwn.members[2]!.clientUrl, ["member", "list"]);
  expect(status.stdout.match(/started, m\d/g)?.sort()).toEqual(["started, m0", "started, m1", "started, m2"]);
});

describe("a snapshot of ours", () => {
  test("is whole: checked by bbolt, and counted as etcdutl counts", async () => {
    const file = await save(own.members[0]!, "whole.db");
    const bolt = JSON.parse((await etcdctl("", ["snapshot", "status", file, "-w", "json"])).stdout);
    const { hash, revision, totalSize } = bolt;
    expect(await snapshotStatus(file)).toEqual({ hash, revision, totalSize, totalKey: 197, version: "3.7.0" });
    const table = etcdutl("snapshot", "status", file, "-w", "table").stdout.split("\n");
    const theirTable = (await etcdctl("", ["snapshot", "status", file, "-w", "table"])).stdout.split("\n");
    expect(table[1]?.split("|").slice(1, 3)).toEqual(theirTable[1]?.split("|").slice(1, 3));
    expect(table[3]?.split("|").slice(1, 3)).toEqual(theirTable[3]?.split("|").slice(1, 3));
    const { clientUrl } = own.members[0]!;
    for (const rev of [0, 200]) {
      const { stdout } = await etcdctl(clientUrl, ["endpoint", "hashkv", "--rev", String(rev), "-w", "json"]);
      const [{ HashKV }] = JSON.parse(stdout) as [{ HashKV: { hash: number; compact_revision: number } }];
      const { hash, compact_revision: compactRevision } = HashKV;
      expect(await hashKvOfFile(file, rev)).toEqual({
        hash,
        compactRevision,
        hashRevision: rev === 0 ? revision : rev,
      });
    }
  });

  test("comes in blobs of 32 KiB that count down, and leaves nothing behind when its client goes away", async () => {
    const { maintenance, close } = connect({ endpoints: [own.members[0]!.clientUrl] });
    const sizes: number[] = [];
    const remaining: number[] = [];
    for await (const { blob, remainingBytes, version } of maintenance.snapshot()) {
      sizes.push(blob.length);
      remaining.push(remainingBytes);
      expect(version).toBe("3.7.0");
    }
    expect(sizes.at(-1)).toBe(32);
    expect(new Set(sizes.slice(0, -2))).toEqual(new Set([32 * 1024]));
    const total = remaining[0]! + sizes[0]!;
    for (let at = 1; at < sizes.length - 1; at++) expect(remaining[at]).toBe(remaining[at - 1]! - sizes[at]!);
    expect(remaining.slice(-2)).toEqual([0, 0]);
    expect(total % 4096).toBe(0);
    for await (const _ of maintenance.snapshot()) break;
    await close();
    expect(readdirSync(join(own.members[0]!.dataDir, "member", "snap"))).toEqual(["db"]);
  });

  test("taken while clients write is the state of one moment", async () => {
    const { kv, maintenance, close } = connect({ endpoints: [own.members[0]!.clientUrl] });
    let going = true;
    const write = async (writer: number) => {
      for (let at = 0; going; at++) {
        const value = toUtf8(String(at));
        const pair = ["left", "right"].map((side) => ({
          requestPut: { key: toUtf8(`pair/${writer}/${side}`), value },
        }));
        await kv.txn({ compare: [], success: pair, failure: [] });
      }
    };
    const writing = [0, 1, 2, 3].map(write);
    const paths = await Promise.all(
      [0, 1, 2].map(async (number) => {
        const blobs: Uint8Array[] = [];
        for await (const { blob } of maintenance.snapshot()) blobs.push(blob);
        const path = join(directory, `busy-${number}.db`);
        writeFileSync(path, Buffer.concat(blobs));
        return path;
      }),
    );
    going = false;
    await Promise.all(writing);
    for (const path of paths) {
      const { revision } = await snapshotStatus(path);
      const { hash } = await hashKvOfFile(path, 0);
      // What was there at that revision is what the file has: nothing of a later transaction, and no half of one.
      expect((await maintenance.hashKv(revision)).hash).toBe(hash);
    }
    await close();
  });
});

describe("refused, in etcdutl's words, is", () => {
  const where = join(directory, "refused");
  const cluster = { members: new Map([["default", ["http://localhost:2380"]]]), token: "etcd-cluster" };
  const restore = (snapshot: string, changes: Partial<RestoreOptions> = {}) =>
    restoreSnapshot({
      snapshot,
      cluster,
      name: "default",
      advertisePeerUrls: ["http://localhost:2380"],
      dataDir: where,
      skipHashCheck: false,
      bumpRevision: 0,
      log: quiet,
      ...changes,
    });

  test("a file that was changed, or is not there, or is none", async () => {
    const good = readFileSync(await save(own.members[0]!, "good.db"));
    const bad = join(directory, "bad.db");
    good[20_000]! ^= 1;
    writeFileSync(bad, good);
    await expect(restore(bad)).rejects.toThrow(/^expected sha256 \[\d+ .*\], got \[\d+ .*\]$/);
    writeFileSync(bad, good.subarray(0, -32));
    await expect(restore(bad)).rejects.toThrow("snapshot missing hash but --skip-hash-check=false");
    await expect(snapshotStatus("/no/such/file")).rejects.toThrow("stat /no/such/file: no such file or directory");
    writeFileSync(bad, "no database".repeat(1000));
    await expect(snapshotStatus(bad)).rejects.toThrow("invalid database");
    expect(readdirSync(directory).filter((name) => name.startsWith("refused"))).toEqual([]);
    expect(etcdutl("snapshot", "status", bad)).toMatchObject({ code: 1, stderr: "Error: invalid database\n" });
  });

  test("a member that is not in the cluster, a directory in use, half of a bump", async () => {
    const file = await save(own.members[0]!, "fine.db");
    const stranger = restore(file, { name: "other" });
    await expect(stranger).rejects.toThrow(`couldn't find local name "other" in the initial cluster configuration`);
    await expect(restore(file, { dataDir: own.members[0]!.dataDir })).rejects.toThrow(
      /data-dir ".*" not empty or could not be read/,
    );
    const half = etcdutl("snapshot", "restore", file, "--data-dir", where, "--bump-revision", "5");
    expect(half).toMatchObject({ code: 128, stderr: "Error: --mark-compacted required if --revision-bump > 0\n" });
  });
});

test("with --bump-revision clients never see revisions fall, and old ones are compacted", async () => {
  const [member] = own.members;
  const file = await save(member!, "bump.db");
  const { revision } = await snapshotStatus(file);
  const bumped = new StoreCluster({ ...flotilla, extraArgs: [] }, portsFor(17), 1);
  all.push(bumped);
  const peer = `http://127.0.0.1:${portsFor(17) + 1}`;
  await restoreSnapshot({
    snapshot: file,
    cluster: { members: new Map([["m0", [peer]]]), token: `test-${portsFor(17)}` },
    name: "m0",
    advertisePeerUrls: [peer],
    dataDir: bumped.members[0]!.dataDir,
    skipHashCheck: false,
    bumpRevision: 1_000_000,
    log: quiet,
  });
  await bumped.start();
  const ctl = (...args: string[]) => etcdctl(bumped.endpoints, args);
  const { header } = JSON.parse((await ctl("get", "k/0001", "-w", "json")).stdout);
  expect(header.revision).toBe(revision + 1_000_000);
  expect((await ctl("get", "k/0001", "--rev", String(revision))).stderr).toContain(
    "required revision has been compacted",
  );
  const before = await etcdctl(member!.clientUrl, ["get", "", "--prefix", "--keys-only"]);
  expect((await ctl("get", "", "--prefix", "--keys-only")).stdout).toBe(before.stdout);
  await bumped.remove();
});

test("members agree on the hash of all they have", async () => {
  const client = connect({ endpoints: restoredOwn.members.map(({ clientUrl }) => clientUrl) });
  await client.kv.put({ key: toUtf8("one more"), value: toUtf8("") });
  await eventually("the same revision and hash everywhere", async () => {
    const answers = await Promise.all(
      restoredOwn.members.map(({ clientUrl }) => client.maintenance.hash({ endpoint: clientUrl })),
    );
    return new Set(answers.map(({ header, hash }) => `${header?.revision} ${hash}`)).size === 1;
  });
  await client.close();
});

test("users and their rights go along while they are in force, from here to etcd", async () => {
  const [member] = restoredOwn.members;
  await enableAuth(member!);
  const file = await save(member!, "auth.db", ...root);
  const cluster = new StoreCluster(debianEtcd, portsFor(9), 1);
  all.push(cluster);
  await restoreThere(file, cluster.members[0]!, 9);
  await cluster.start();
  await expectAuth(cluster.members[0]!);
});

test("the data directory of an etcd that was killed is taken over in place, with what only its log had", async () => {
  const [etcd] = theirs.members;
  const { clientUrl, dataDir } = etcd!;
  await expect(importDataDir({ dataDir, log: quiet })).rejects.toThrow(/in use by process \d+/);
  await enableAuth(etcd!);
  for (let at = 0; at < 3; at++) await etcdctl(clientUrl, [...root, "put", `late/${at}`, String(at)]);
  const before = await answers(etcd!, askedFew, root);
  await etcd!.end("SIGKILL");
  const successor = new StoreCluster(flotilla, portsFor(8), 1, ["--data-dir", dataDir]);
  all.push(successor);
  await expect(successor.start()).rejects.toThrow(
    /is the data directory of an etcd.*flotilla etcdutl import --data-dir/,
  );
  await importDataDir({ dataDir, log: quiet });
  await successor.start();
  expect(await answers(successor.members[0]!, askedFew, root)).toEqual(before);
  await expectAuth(successor.members[0]!);
});
