import { spawn, spawnSync } from "node:child_process";
import { openSync, readdirSync, readFileSync, readSync, rmSync, statSync, writeFileSync, writeSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { toUtf8 } from "../base/mod.ts";
import { connect } from "../kvstore/client/mod.ts";
import { etcdctl, flotilla, portsFor, StoreCluster, type StoreMember } from "./store-cluster.ts";
import { eventually } from "./support/eventually.ts";

let cluster: StoreCluster | undefined;
let slot = 4;

afterEach(async () => {
  await cluster?.remove();
  cluster = undefined;
});

async function startCluster(size = 3, args: readonly string[] = []): Promise<StoreCluster> {
  cluster = new StoreCluster(flotilla, portsFor(slot++), size, args);
  await cluster.start();
  return cluster;
}

interface Load {
  /** Keys whose put was acknowledged, and when. */
  readonly acknowledged: Map<string, number>;
  /** Stops writing, waits for what is under way. */
  stop(): Promise<void>;
}

/** Many writers, each putting keys of its own one after the other, going on through errors. */
function load(of: StoreCluster, writers = 16): Load {
  const client = connect({ endpoints: of.members.map(({ clientUrl }) => clientUrl) });
  const acknowledged = new Map<string, number>();
  let going = true;
  const write = async (writer: number) => {
    for (let at = 0; going; at++) {
      const key = `load/${writer}/${at}`;
      try {
        await client.kv.put({ key: toUtf8(key), value: toUtf8(key) }, { timeoutMs: 2000 });
        acknowledged.set(key, performance.now());
      } catch {
        // Not acknowledged: it may be there or not. The next key is a new one.
      }
    }
  };
  const running = Array.from({ length: writers }, (_, writer) => write(writer));
  return {
    acknowledged,
    async stop() {
      going = false;
      await Promise.all(running);
      await client.close();
    },
  };
}

async function keysAt(member: StoreMember): Promise<Set<string>> {
  const { code, stdout, stderr } = await etcdctl(member.clientUrl, ["get", "load/", "--prefix", "--keys-only"]);
  expect(code, `etcdctl get at ${member.name}: ${stderr}`).toBe(0);
  return new Set(stdout.split("\n").filter((line) => line !== ""));
}

async function expectNothingLost(of: StoreCluster, { acknowledged }: Load): Promise<void> {
  for (const member of of.members) {
    const there = await keysAt(member);
    expect(
      [...acknowledged.keys()].filter((key) => !there.has(key)),
      `lost at ${member.name}`,
    ).toEqual([]);
  }
}

/** Revision and hash of the keys, at every member. */
async function fingerprints(of: StoreCluster): Promise<string[]> {
  return Promise.all(
    of.members.map(async ({ clientUrl }) => {
      // A linearizable read first: then the member has applied all there is.
      await etcdctl(clientUrl, ["get", "nothing"]);
      const { stdout } = await etcdctl(clientUrl, ["endpoint", "hashkv", "-w", "json"]);
      const [{ HashKV }] = JSON.parse(stdout) as [{ HashKV: { header: { revision: number }; hash: number } }];
      return `${HashKV.header.revision} ${HashKV.hash}`;
    }),
  );
}

describe("SIGKILL", () => {
  test("of the leader under load: no acknowledged write is lost, and writes go on within 3 s", async () => {
    const { members } = await startCluster();
    const writing = load(cluster!);
    await eventually("500 writes", () => writing.acknowledged.size >= 500);
    const leader = await cluster!.leader();
    const killedAt = performance.now();
    await leader.end("SIGKILL");
    const resumedAt = await eventually("a write after the kill", () =>
      [...writing.acknowledged.values()].find((at) => at > killedAt + 100),
    );
    expect(resumedAt - killedAt).toBeLessThan(3000);
    const seen = writing.acknowledged.size;
    await eventually("500 more writes", () => writing.acknowledged.size >= seen + 500);
    await leader.start();
    await writing.stop();
    await eventually("all members at the same revision", async () => new Set(await fingerprints(cluster!)).size === 1);
    await expectNothingLost(cluster!, writing);
    expect(members.length).toBe(3);
  });

  test("of all members at once, under load: after the restart every acknowledged write is there, once", async () => {
    await startCluster(3, ["--snapshot-count", "500", "--snapshot-catchup-entries", "100"]);
    for (let round = 0; round < 3; round++) {
      const writing = load(cluster!);
      await eventually("1000 writes", () => writing.acknowledged.size >= 1000);
      await Promise.all(cluster!.members.map((member) => member.end("SIGKILL")));
      await writing.stop();
      await cluster!.start();
      await expectNothingLost(cluster!, writing);
      expect(new Set(await fingerprints(cluster!)).size).toBe(1);
    }
  });

  test("of all members at rest: revision and hash are what they were", async () => {
    await startCluster();
    const writing = load(cluster!);
    await eventually("300 writes", () => writing.acknowledged.size >= 300);
    await writing.stop();
    await etcdctl(cluster!.endpoints, ["del", "load/1", "--prefix"]);
    await etcdctl(cluster!.endpoints, ["compaction", "100"]);
    const before = await fingerprints(cluster!);
    await Promise.all(cluster!.members.map((member) => member.end("SIGKILL")));
    await cluster!.start();
    expect(await fingerprints(cluster!)).toEqual(before);
  });
});

test("a member that missed more than the log keeps is brought back by a snapshot", async () => {
  await startCluster(3, ["--snapshot-count", "200", "--snapshot-catchup-entries", "50"]);
  const absent = cluster!.members.find((member) => member.name === "m2")!;
  await absent.end("SIGKILL");
  const writing = load(cluster!);
  await eventually("2000 writes", () => writing.acknowledged.size >= 2000);
  await absent.start();
  await eventually("an installed snapshot", () => absent.output.includes("applied snapshot"));
  await writing.stop();
  await expectNothingLost(cluster!, writing);
  expect(new Set(await fingerprints(cluster!)).size).toBe(1);
  // And it stands on its own feet: a restart finds a legal state.
  await absent.end("SIGKILL");
  await absent.start();
  expect(new Set(await fingerprints(cluster!)).size).toBe(1);
});

test("SIGTERM to the leader hands the leadership over: writes hardly notice", async () => {
  await startCluster();
  const writing = load(cluster!);
  await eventually("200 writes", () => writing.acknowledged.size >= 200);
  const leader = await cluster!.leader();
  const askedAt = performance.now();
  await leader.end("SIGTERM");
  expect(leader.output).toContain("handing the leadership over");
  const next = await eventually("a write after it", () =>
    [...writing.acknowledged.values()].find((at) => at > askedAt + 50),
  );
  expect(next - askedAt).toBeLessThan(1000);
  await leader.start();
  await writing.stop();
  await expectNothingLost(cluster!, writing);
});

describe("the log on disk", () => {
  /** The last segment, and where its records end. */
  function lastSegment(member: StoreMember): { path: string; end: number } {
    const directory = join(member.dataDir, "member", "wal");
    const name = readdirSync(directory)
      .filter((file) => file.endsWith(".wal"))
      .sort()
      .at(-1)!;
    const path = join(directory, name);
    return { path, end: readFileSync(path).findLastIndex((byte) => byte !== 0) + 1 };
  }

  function overwrite(path: string, at: number, bytes: Uint8Array): void {
    writeSync(openSync(path, "r+"), bytes, 0, bytes.length, at);
  }

  async function memberWithData(): Promise<StoreMember> {
    const [member] = (await startCluster(1)).members;
    for (let at = 0; at < 20; at++) await etcdctl(member!.clientUrl, ["put", `k${at}`, "v".repeat(700)]);
    return member!;
  }

  test("with a torn tail is repaired in silence: what was written after it was never acknowledged", async () => {
    const member = await memberWithData();
    await member.end("SIGKILL");
    const { path, end } = lastSegment(member);
    // Half of a record that a crash cut off: a head that promises more than there is, then zeros.
    const torn = Buffer.alloc(1500);
    torn.writeUInt32LE(1400, 0);
    torn.fill(0x7a, 8, 300);
    overwrite(path, Math.ceil(end / 8) * 8, torn);
    await member.start();
    expect(member.output).not.toMatch(/"level":"(warn|error)"|damaged/);
    const { stdout } = await etcdctl(member.clientUrl, ["get", "k", "--prefix", "-w", "json"]);
    expect(JSON.parse(stdout)).toMatchObject({ count: 20 });
    await etcdctl(member.clientUrl, ["put", "after", "1"]);
    await member.end("SIGKILL");
    await member.start();
    expect((await etcdctl(member.clientUrl, ["get", "after"])).stdout).toBe("after\n1\n");
  });

  test("damaged in the middle is refused with one line, and left as it is", async () => {
    const member = await memberWithData();
    await member.end("SIGKILL");
    const { path, end } = lastSegment(member);
    const byte = new Uint8Array(1);
    readSync(openSync(path, "r"), byte, 0, 1, Math.floor(end / 2));
    overwrite(path, Math.floor(end / 2), Uint8Array.of(byte[0]! ^ 0xff));
    const before = readFileSync(path);
    await expect(member.start()).rejects.toThrow("ended (1)");
    expect(errorLines(member.output)).toHaveLength(1);
    expect(member.output).toMatch(
      /the write-ahead log is damaged: .*0000\.wal at byte \d+: .*add it again \[WalDamaged\]/,
    );
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(statSync(path).size).toBe(64_000_000);
  });
});

describe("what a start refuses, with one line", () => {
  const directory = join(tmpdir(), `flotilla-refused-${process.pid}`);
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const [client, peer] = [portsFor(3), portsFor(3) + 1];
  const url = (port: number) => `http://127.0.0.1:${port}`;
  const identity = ["--name", "a", "--data-dir", directory];
  const urls = ["--listen-client-urls", url(client), "--advertise-client-urls", url(client)];
  const peers = ["--listen-peer-urls", url(peer), "--initial-advertise-peer-urls", url(peer)];
  const minimal = [...identity, ...urls, ...peers, "--initial-cluster", `a=${url(peer)}`];

  function run(args: readonly string[]): { code: number | null; output: string } {
    const [program, ...first] = flotilla.command;
    const { status, stdout, stderr } = spawnSync(program as string, [...first, ...args], {
      encoding: "utf8",
      timeout: 15_000,
    });
    return { code: status, output: stdout + stderr };
  }

  /** A member that was started, served, and was ended again. */
  async function used(args: readonly string[]): Promise<void> {
    const [program, ...first] = flotilla.command;
    const member = spawn(program as string, [...first, ...args], { stdio: ["ignore", "ignore", "pipe"] });
    await new Promise<void>((ready) => {
      member.stderr.on("data", (chunk: Buffer) => {
        if (chunk.includes("ready to serve")) ready();
      });
    });
    const gone = new Promise((done) => member.once("exit", done));
    member.kill("SIGKILL");
    await gone;
  }

  test.each([
    ["client", client],
    ["peer", peer],
  ])("a taken %s port", async (_, port) => {
    const server = createServer().listen(port, "127.0.0.1");
    await new Promise((done) => server.once("listening", done));
    // The member runs in another process, and this one must answer nothing meanwhile.
    const { code, output } = run(minimal);
    await new Promise((done) => server.close(done));
    expect(code).toBe(1);
    expect(errorLines(output)).toEqual([
      `etcd: ${url(port)} is in use by another process. Stop it, or choose another port [PortTaken]`,
    ]);
  });

  test("but not a data directory of which the flags say something else: its log knows better", async () => {
    await used(minimal);
    await used([...minimal, "--initial-cluster-token", "another"]);
  });

  test("the data directory of a member that runs", async () => {
    const [program, ...first] = flotilla.command;
    const member = spawn(program as string, [...first, ...minimal], { stdio: ["ignore", "ignore", "pipe"] });
    await new Promise((ready) =>
      member.stderr.on("data", (chunk: Buffer) => chunk.includes("ready to serve") && ready(0)),
    );
    const { code, output } = run(minimal);
    const gone = new Promise((done) => member.once("exit", done));
    member.kill("SIGKILL");
    await gone;
    expect(code).toBe(1);
    expect(errorLines(output)).toEqual([expect.stringMatching(/in use by process \d+ .*\[DataDirLocked\]$/)]);
  });

  test("a certificate that cannot be read, or is none", () => {
    const missing = run([...minimal, "--cert-file", "/nowhere/cert.pem", "--key-file", "/nowhere/key.pem"]);
    expect(missing.code).toBe(1);
    expect(errorLines(missing.output)).toEqual([
      "etcd: cannot read /nowhere/cert.pem (ENOENT). Check the path and its permissions [FileUnreadable]",
    ]);
    const nonsense = `${directory}.pem`;
    writeFileSync(nonsense, "no certificate");
    const unusable = run([...minimal, "--peer-cert-file", nonsense, "--peer-key-file", nonsense]);
    rmSync(nonsense);
    expect(unusable.code).toBe(1);
    expect(errorLines(unusable.output)).toEqual([
      expect.stringMatching(/are no certificate and its key: .*\[CertificateUnusable\]$/),
    ]);
  });

  test("an unknown flag or a wrong value: exit code 2; what makes no sense or is not there: 1", () => {
    const unknown = run(["--nonsense"]);
    expect(unknown.code).toBe(2);
    expect(unknown.output).toMatch(/^flag provided but not defined: -nonsense\nUsage:\n/);
    expect(run([...minimal, "--election-timeout", "soon"]).code).toBe(2);
    expect(run([...minimal, "--election-timeout", "1"]).code).toBe(1);
    expect(run([...minimal, "--discovery", "https://example.com"]).code).toBe(1);
    expect(run(["--help"]).code).toBe(0);
    expect(run(["--version"]).output.split("\n")[0]).toMatch(/^etcd Version: \d+\.\d+\.\d+$/);
  });
});

function lines(output: string): string[] {
  return output.split("\n").filter((line) => line !== "");
}

/** What is not part of the log. */
function errorLines(output: string): string[] {
  return lines(output).filter((line) => !line.startsWith("{"));
}
