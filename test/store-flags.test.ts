import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { toByteString } from "../kvstore/mvcc/byte-string.ts";
import { LevelHome } from "../kvstore/mvcc/level-engine.ts";
import { debianEtcd, etcdctl, flotilla, type Kind, portsFor, StoreCluster, StoreMember } from "./store-cluster.ts";
import { eventually } from "./support/eventually.ts";

const firstPort = portsFor(10);
const endings: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

function directory(): string {
  const made = mkdtempSync(join(tmpdir(), "flotilla-test-flags-"));
  endings.push(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** A member by itself, which is told nothing but `args`. */
function alone(name: string, clientUrl: string, args: readonly string[], kind: Kind = flotilla): StoreMember {
  const member = new StoreMember(kind, name, "", clientUrl, args);
  endings.push(() => member.end());
  return member;
}

async function done(member: StoreMember, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await etcdctl(member.clientUrl, args);
  expect([code, stderr]).toEqual([0, ""]);
  return stdout;
}

test("what a majority took with it is made a cluster of one by force, which others can join", async () => {
  const cluster = new StoreCluster(flotilla, firstPort, 3);
  endings.push(() => cluster.remove());
  await cluster.start();
  const [survivor, second] = cluster.members as [StoreMember, StoreMember];
  await done(survivor, "put", "before", "x");
  await Promise.all(cluster.members.map((member) => member.end()));
  const forced = survivor.with("--force-new-cluster");
  endings.push(() => forced.end());
  await forced.start();
  expect(await done(forced, "member", "list")).toMatch(/^[0-9a-f]+, started, m0, [^\n]*\n$/);
  expect(await done(forced, "get", "before", "--print-value-only")).toBe("x\n");
  await done(forced, "put", "after", "y");
  // From now on it is such a cluster, with or without the flag.
  await forced.end();
  await survivor.start();
  expect(await done(survivor, "get", "after", "--print-value-only")).toBe("y\n");
  const peer = `http://127.0.0.1:${firstPort + 3}`;
  await done(survivor, "member", "add", "m1", "--peer-urls", peer);
  rmSync(second.dataDir, { recursive: true });
  const again = second.with("--initial-cluster-state", "existing");
  endings.push(() => again.end());
  await again.start();
  expect(await done(again, "get", "after", "--print-value-only")).toBe("y\n");
});

/** Another value in one record of a member that does not run, as a disk might have it that fails. */
async function falsify({ dataDir }: StoreMember): Promise<void> {
  const engine = await new LevelHome(join(dataDir, "member", "snap", "db")).open();
  let falsified = 0;
  for await (const records of engine.scan("k", "l")) {
    for (const { key, value } of records.slice(0, 1)) {
      const other = Uint8Array.from(value);
      other[other.length - 1] = (other.at(-1) as number) ^ 1;
      await engine.write([{ key: toByteString(key), value: other }]);
      falsified++;
    }
  }
  await engine.close();
  expect(falsified).toBe(1);
}

test("a member whose keys are not those of the others does not start if it may look, and else is found", async () => {
  const cluster = new StoreCluster(flotilla, firstPort, 3, ["--corrupt-check-time=1s"]);
  endings.push(() => cluster.remove());
  await cluster.start();
  const [first, , last] = cluster.members as [StoreMember, StoreMember, StoreMember];
  await done(first, "put", "key", "value");
  expect(await done(last, "get", "key", "--print-value-only"), "a majority need not be all").toBe("value\n");
  expect(await done(first, "alarm", "list")).toBe("");
  await eventually("they were compared", () =>
    cluster.members.some(({ output }) => output.includes("finished peer corruption check")),
  );
  await last.end("SIGTERM");
  await falsify(last);
  const careful = last.with("--feature-gates=InitialCorruptCheck=true");
  await expect(careful.start()).rejects.toThrow("found data inconsistency with peers");
  await last.start();
  await eventually("the alarm is raised", async () => (await done(first, "alarm", "list")).includes("alarm:CORRUPT"));
  const { stderr } = await etcdctl(first.clientUrl, ["put", "key", "other"]);
  expect(stderr).toContain("etcdserver: corrupt cluster");
});

describe("history", () => {
  test("older than the retention goes by itself", async () => {
    const cluster = new StoreCluster(flotilla, firstPort, 1, [
      "--auto-compaction-retention=1s",
      "--compaction-batch-limit=10",
    ]);
    endings.push(() => cluster.remove());
    await cluster.start();
    const [member] = cluster.members as [StoreMember];
    for (const value of ["1", "2", "3"]) await done(member, "put", "key", value);
    await eventually("the first revisions are gone", async () => {
      const { stderr } = await etcdctl(member.clientUrl, ["get", "key", "--rev=2"]);
      return stderr.includes("required revision has been compacted");
    });
    expect(member.output).toContain("completed auto periodic compaction");
    await eventually("the log tells", () => member.output.includes("finished scheduled compaction"));
  });
});

test("members of a cluster find each other by way of another store", async () => {
  const meeting = new StoreCluster(debianEtcd, firstPort + 10, 1);
  endings.push(() => meeting.remove());
  await meeting.start();
  const [place] = meeting.members as [StoreMember];
  await done(place, "put", "/_etcd/registry/token-1/_config/size", "2");
  const home = directory();
  const member = (at: number) => {
    const client = `http://127.0.0.1:${firstPort + 2 * at}`;
    const peer = `http://127.0.0.1:${firstPort + 2 * at + 1}`;
    return alone(`d${at}`, client, [
      ...["--name", `d${at}`, "--data-dir", join(home, `d${at}`), "--listen-client-urls", client],
      ...["--advertise-client-urls", client, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
      ...["--discovery-token", "token-1", "--discovery-endpoints", place.clientUrl],
    ]);
  };
  const [first, second, late] = [member(0), member(1), member(2)];
  await Promise.all([first.start(), second.start()]);
  await done(first, "put", "met", "yes");
  expect(await done(second, "get", "met", "--print-value-only")).toBe("yes\n");
  await expect(late.start()).rejects.toThrow("discovery: cluster is full");
  // A member that has a log has no need of the meeting place.
  await meeting.remove();
  await second.end();
  await second.start();
  expect(await done(second, "get", "met", "--print-value-only")).toBe("yes\n");
});

test("a configuration file is all that a member needs; its log goes where it says", async () => {
  const home = directory();
  const client = `http://127.0.0.1:${firstPort}`;
  writeFileSync(
    join(home, "etcd.yml"),
    `
name: filed
data-dir: ${join(home, "data")}
listen-client-urls: ${client},unix://${join(home, "socket")}
advertise-client-urls: ${client}
listen-peer-urls: http://127.0.0.1:${firstPort + 1}
initial-advertise-peer-urls: http://127.0.0.1:${firstPort + 1}
watch-progress-notify-interval: 600000000000
log-outputs: [stderr, ${join(home, "etcd.log")}]
no-such-key: 1
`,
  );
  const member = alone("filed", client, ["--config-file", join(home, "etcd.yml"), "--name", "ignored"], {
    ...flotilla,
    extraArgs: [],
  });
  await member.start();
  await done(member, "put", "k", "v");
  const socket = `unix://${join(home, "socket")}`;
  expect((await etcdctl(socket, ["get", "k", "--print-value-only"])).stdout).toBe("v\n");
  await member.end();
  await member.start(); // the socket that the killed one left is not in the way
  expect((await etcdctl(socket, ["get", "k", "--print-value-only"])).stdout).toBe("v\n");
  expect(member.output).toContain('"name":"filed"');
  expect(member.output).toContain("unrecognized key in the configuration file");
  expect(await done(member, "endpoint", "status")).toContain("3.7");
  await member.end("SIGTERM");
});
