import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { etcdctl, portsFor } from "./store-cluster.ts";
import { eventually } from "./support/eventually.ts";
import { type ManagedMember, ManagedStore } from "./support/managed-store.ts";

const binary = resolve(import.meta.dirname, "../bin/etcd");
let store: ManagedStore;

beforeAll(async () => {
  store = await ManagedStore.make(portsFor(9));
  await store.start();
});

afterAll(() => store.remove());

const put = (member: ManagedMember, key: string, seconds = 5) =>
  etcdctl(member.clientUrl, [`--command-timeout=${seconds}s`, "put", key, key]);

async function hashes(): Promise<string[]> {
  const { stdout } = await etcdctl(store.endpoints, ["endpoint", "hashkv", "-w", "json"]);
  const found = JSON.parse(stdout) as { HashKV: { hash: number; header: { revision: number } } }[];
  return found.map(({ HashKV: { hash, header } }) => `${hash} at ${header.revision}`);
}

const allEqual = (what: string) =>
  eventually(what, async () => {
    const found = await hashes();
    return found.length === store.members.length && new Set(found).size === 1;
  });

describe("a launcher that knows etcd", () => {
  test("asks for the version first", () => {
    const lines = execFileSync(binary, ["--version"], { env: { PATH: "/usr/bin:/bin" } })
      .toString()
      .split("\n");
    expect(lines[0]).toMatch(/^etcd Version: \d+\.\d+\.\d+$/);
    expect(lines[1]).toMatch(/^Git SHA: /);
    expect(lines[2]).toMatch(/^Go Version: /);
    expect(lines[3]).toMatch(/^Go OS\/Arch: linux\//);
  });

  test("finds in the output what it waits for, and the program under the process id it knows", () => {
    for (const { process, name } of store.members) {
      const command = readFileSync(`/proc/${process.pid}/cmdline`, "utf8").split("\0");
      expect(command.slice(1)).toEqual(expect.arrayContaining(["etcd", "--name", name]));
      const lines = process.output.trim().split(/\r?\n/);
      for (const line of lines) expect(JSON.parse(line)).toMatchObject({ level: expect.stringMatching(/info|warn/) });
      expect(process.output).toContain('"snapshot-catchup-entries":10');
      expect(process.output).toContain("serving client traffic");
    }
  });

  test("finds the data where it expects it", () => {
    const { dataDir } = store.members[0] as ManagedMember;
    expect(readdirSync(join(dataDir, "member")).sort()).toEqual(["snap", "wal"]);
    expect(readdirSync(join(dataDir, "member", "wal")).filter((name) => name.endsWith(".wal"))).toHaveLength(1);
  });

  test.each([
    [["--no-such-flag"], 2, "flag provided but not defined: -no-such-flag"],
    [["--snapshot-count=many"], 2, "invalid value"],
    [["--listen-client-urls=http://127.0.0.1:1"], 1, "--advertise-client-urls is required"],
    [["--config-file=/no/such/file"], 1, "cannot read the configuration file"],
    [["--enable-distributed-tracing"], 1, "not supported here"],
    [["gateway", "start"], 1, "not supported here"],
    [["--help"], 0, "--initial-cluster-state 'new'"],
  ])("is told what is wrong: %j", (args, code, why) => {
    const outcome = spawnSync(binary, args, { env: { PATH: "/usr/bin:/bin" } });
    expect(`${outcome.stdout}${outcome.stderr}`).toContain(why);
    expect(outcome.status).toBe(code);
  });
});

describe("behind forwarders that lose bytes", () => {
  // The one that is lost for others must not lead them: what it was asked would fail when they choose another.
  beforeAll(() => store.lead(store.members[0] as ManagedMember));

  test("members notice, connect anew, and end up equal", async () => {
    const [first, , last] = store.members as [ManagedMember, ManagedMember, ManagedMember];
    const before = last.forwarder.connections;
    last.forwarder.weather = { kind: "dropping", probability: 0.3 };
    for (let i = 0; i < 10; i++) expect((await put(first, `dropping-${i}`)).code).toBe(0);
    await eventually("a broken connection is replaced", () => last.forwarder.connections > before + 2);
    last.forwarder.weather = { kind: "fair" };
    await allEqual("all have the same");
  });

  test("one that is cut off still says where it is, and catches up", async () => {
    const [first, second, last] = store.members as [ManagedMember, ManagedMember, ManagedMember];
    for (const { forwarder } of store.members) forwarder.weather = { kind: "slow", ms: 20 };
    last.forwarder.weather = { kind: "blackhole" };
    for (let i = 0; i < 5; i++) {
      const outcomes = await Promise.all([put(first, `cut-${i}`), put(second, `cut-too-${i}`)]);
      expect(outcomes.map(({ code }) => code)).toEqual([0, 0]);
    }
    const { stdout } = await etcdctl(last.clientUrl, ["endpoint", "status", "-w", "json"]);
    expect(JSON.parse(stdout)[0].Status.header.revision).toBeGreaterThan(10);
    for (const { forwarder } of store.members) forwarder.weather = { kind: "fair" };
    await allEqual("all have the same");
  });
});

test("a member is replaced under its old name and URL, again and again", async () => {
  const [, second, last] = store.members as [ManagedMember, ManagedMember, ManagedMember];
  for (const member of [second, last]) {
    await store.replace(member);
    expect((await put(member, `replaced-${member.name}`)).code).toBe(0);
  }
  await allEqual("all have the same");
});

describe("signals and failpoints", () => {
  test("stop, continue and end the very process", async () => {
    const [first, second] = store.members as [ManagedMember, ManagedMember];
    await store.lead(first);
    second.process.signal("SIGSTOP");
    expect((await put(first, "while-one-sleeps")).code).toBe(0);
    second.process.signal("SIGCONT");
    await allEqual("all have the same");
    expect(await second.process.end("SIGTERM")).toBe(128 + constants.signals.SIGTERM);
    expect(second.process.output).toContain("received signal; shutting down");
    await store.startMember(second);
  });

  test("panic kills the member, sleep lets it wait, and it comes back with all it had", async () => {
    const [first, second] = store.members as [ManagedMember, ManagedMember];
    await store.lead(first);
    const listed = await (await fetch(`http://${second.gofail}/`)).text();
    expect(listed).toContain("raftBeforeSave=\n");
    expect(await store.failpoint(second, "raftBeforeSave", "panic")).toBe(204);
    expect((await put(first, "killer")).code).toBe(0);
    expect(await second.process.ended()).toBeGreaterThan(0);
    expect(second.process.output).toContain("panic: failpoint");
    await store.startMember(second);
    expect(await store.failpoint(second, "beforeApplyOneEntryNormal", 'sleep("300ms")')).toBe(204);
    const startMs = performance.now();
    expect((await put(second, "slow")).code).toBe(0);
    expect(performance.now() - startMs).toBeGreaterThan(300);
    expect(await store.failpoint(second, "beforeApplyOneEntryNormal")).toBe(204);
    await allEqual("all have the same");
  });
});
