import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { debianEtcd, etcdctl, flotilla, type Output, portsFor, StoreCluster } from "./store-cluster.ts";

// The same etcdctl, the same commands, against three members of etcd and three of ours: what it prints must be equal, but
// for what differs between any two clusters: ids, terms, times, sizes.

const ours = new StoreCluster(flotilla, portsFor(0));
const theirs = new StoreCluster(debianEtcd, portsFor(1));

beforeAll(async () => {
  await Promise.all([ours.start(), theirs.start()]);
});
afterAll(async () => {
  await Promise.all([ours.remove(), theirs.remove()]);
});

/** A command, in words separated by blanks; `$1` is the lease that was granted last. `until` ends a watch. */
type Step = string | { readonly run: string; readonly input?: string; readonly until?: string };

interface Session {
  readonly cluster: StoreCluster;
  readonly endpoint: string;
  lease: string;
}

async function run(session: Session, step: Step): Promise<Output> {
  const { run: line, ...options } = typeof step === "string" ? { run: step } : step;
  const words = line.split(" ").map((word) => word.replace("$1", session.lease).replaceAll("_", " ").replace("''", ""));
  const output = await etcdctl(session.endpoint, words, options);
  session.lease = /lease ([0-9a-f]+) granted/.exec(output.stdout)?.[1] ?? session.lease;
  return output;
}

function comparable({ cluster, lease }: Session, line: string, { code, stdout, stderr }: Output): unknown {
  const plain = (text: string) => {
    let result = text;
    for (const [at, { clientUrl }] of cluster.members.entries()) {
      result = result
        .replaceAll(clientUrl, `<client ${at}>`)
        .replaceAll(clientUrl.replace("http://", ""), `<client ${at}>`);
      const port = Number(clientUrl.split(":")[2]) + 1;
      result = result.replaceAll(`http://127.0.0.1:${port}`, `<peer ${at}>`);
    }
    if (lease !== "")
      result = result.replaceAll(lease, "<lease>").replaceAll(BigInt(`0x${lease}`).toString(), "<lease>");
    result = result
      // Numbers beyond 2^53 are ids wherever they stand.
      .replaceAll(/\b\d{17,20}\b/g, "<id>")
      .replaceAll(/\b[0-9a-f]{15,16}\b/g, "<id>")
      .replaceAll(/\| +<id>/g, "| <id>")
      .replaceAll(/attached keys\(\[(.*)\]\)/g, (_, keys: string) => `attached keys(${keys.split(" ").sort()})`)
      .replaceAll(/"raft_term":\d+/g, '"raft_term":<term>')
      .replaceAll(/took = [0-9.]+[mµ]?s/g, "took = <time>")
      .replaceAll(/"took":"[^"]*"/g, '"took":<time>')
      .replaceAll(/"ts":"[^"]*"/g, '"ts":<time>')
      .replaceAll(/\[?\d{4}[-/]\d{2}[-/]\d{2}[T ][0-9:.Z+]+\]?/g, "<time>")
      .replaceAll(/retry_interceptor.go:\d+/g, "retry_interceptor.go")
      .replaceAll(/endpoint:\/\/client-[0-9a-f-]+\//g, "endpoint://");
    // Members and leases are listed in order of their ids.
    return /^(member|lease) list/.test(line) ? result.split("\n").sort().join("\n") : result;
  };
  // A process that was killed at the end of a watch has no exit code.
  return { code, stdout: plain(stdout), stderr: plain(stderr) };
}

/** Runs the steps on both, member by member, comparing after each. */
function same(name: string, steps: readonly Step[] | ((at: number) => readonly Step[])): void {
  for (const at of [0, 1, 2]) {
    test(`${name}, at member ${at}`, async () => {
      const sessions = [theirs, ours].map(
        (cluster): Session => ({ cluster, endpoint: cluster.members[at]!.clientUrl, lease: "" }),
      );
      for (const step of typeof steps === "function" ? steps(at) : steps) {
        const line = typeof step === "string" ? step : step.run;
        const [expected, actual] = await Promise.all(
          sessions.map(async (session) => comparable(session, line, await run(session, step))),
        );
        expect(actual, line).toEqual(expected);
      }
    });
  }
}

describe("keys and values", () => {
  same("put and get", [
    "put a 1",
    "put a 2 -w json",
    "put a 3 --prev-kv",
    "put a 4 --prev-kv -w json",
    "put b x",
    "put c/1 one",
    "put c/2 two",
    "put c/3 three",
    "put empty ''",
    "get a",
    "get a -w json",
    "get a -w fields",
    "get a --print-value-only",
    "get missing",
    "get missing -w json",
    "get empty -w json",
    "get a c",
    "get a c/9 -w json",
    "get c/ --prefix",
    "get c/ --prefix --keys-only",
    "get c/ --prefix --count-only -w fields",
    "get '' --prefix --count-only -w fields",
    "get c/2 --from-key",
    "get c/2 --from-key -w json",
    "get c/ --prefix --limit 2 -w json",
    "get c/ --prefix --limit 2",
    "get c/ --prefix --order DESCEND",
    "get c/ --prefix --order ASCEND --sort-by KEY",
    "get c/ --prefix --sort-by VALUE --order DESCEND --limit 2 -w json",
    "get '' --prefix --sort-by MODIFY --order DESCEND --limit 3",
    "get '' --prefix --sort-by CREATE --order ASCEND --limit 3",
    "get '' --prefix --sort-by VERSION --order DESCEND --limit 1",
    "get a --consistency s",
    "get z a",
    "get c/ --prefix -w json --rev 7",
    "get a --rev 3",
    "get a --rev 1",
    "put a --ignore-value",
    "put nothing --ignore-value",
    "put a x --ignore-lease",
  ]);

  same("del", [
    "put d/1 1",
    "put d/2 2",
    "put d/3 3",
    "put d/4 4",
    "del d/1",
    "del d/1",
    "del d/2 --prev-kv",
    "del d/3 -w json --prev-kv",
    "del d/ --prefix",
    "del d/ --prefix -w json",
    "put d/1 again -w json",
    "get d/1 -w json",
    "del d/0 d/9",
    "del d/ --from-key",
    "get '' --prefix --keys-only",
  ]);

  same("txn", [
    "put t 5",
    { run: "txn", input: 'value("t") = "5"\n\nput t 6\nget t\n\nget t\n\n' },
    { run: "txn", input: 'value("t") = "5"\n\nput t 7\n\nget t\nput u 1\ndel t\n\n' },
    { run: "txn -w json", input: 'mod("u") > "0"\nver("u") = "1"\n\nput u 2\nget u --prefix\n\n\n' },
    { run: "txn -w json", input: 'create("u") = "0"\n\nput u 2\n\nget u\n\n' },
    { run: "txn", input: 'mod("u") = "0"\n\nput v 1\nput v 2\n\n\n' },
    { run: "txn", input: "\n\nput w 1\ndel w\n\n\n\n" },
    { run: "txn", input: "\n\n\n\n\n" },
    "get '' --prefix -w json",
  ]);

  same("errors", [
    "get a --rev 999999",
    "get a --order SIDEWAYS",
    "get ''",
    "put '' x",
    "put k v --lease 1234",
    "compaction 999999",
    "get",
    "member remove 1234",
    "member add x --peer-urls=nonsense",
    "lease revoke 1234",
    "lease timetolive 1234",
    "lease keep-alive --once 1234",
    "lease grant 99999999999",
  ]);
});

describe("watches", () => {
  // Each member's round has keys of its own, so that a watch ends at the last of its events.
  same("of the past", (at) => [
    `put w${at}/start x`,
    `put w${at}/a 1`,
    `put w${at}/b 2`,
    `put w${at}/a 3`,
    `del w${at}/b`,
    `put w${at}/end x`,
    { run: `watch w${at}/ --prefix --rev 2 -w json`, until: `"key":"${btoa(`w${at}/end`)}"` },
    { run: `watch w${at}/ --prefix --rev 2`, until: `w${at}/end\nx\n` },
    { run: `watch w${at}/ --prefix --prev-kv --rev 2`, until: `w${at}/end\nx\n` },
    { run: `watch w${at}/a w${at}/c --rev 2 --prev-kv`, until: `DELETE\nw${at}/b\n2\nw${at}/b\n` },
    `del w${at}/ --prefix`,
  ]);

  test("of the future: events come as they happen, with the pair before", async () => {
    const seen = await Promise.all(
      [theirs, ours].map(async (cluster) => {
        const [watching, writing] = cluster.members;
        const watch = etcdctl(watching!.clientUrl, ["watch", "f", "--prefix", "--prev-kv"], {
          until: "DELETE\nf2\n2\nf2\n",
        });
        // etcdctl does not say when its watch stands: half a second is ample.
        const put = (...args: string[]) => etcdctl(writing!.clientUrl, args);
        for (const args of [
          ["put", "f1", "1"],
          ["put", "f1", "one"],
          ["put", "f2", "2"],
          ["put", "g", "3"],
          ["del", "f2"],
        ]) {
          await new Promise((done) => setTimeout(done, 500));
          await put(...args);
        }
        return (await watch).stdout;
      }),
    );
    expect(seen[1]).toBe(seen[0]);
    expect(seen[1]).toBe("PUT\nf1\n1\nPUT\nf1\n1\nf1\none\nPUT\nf2\n2\nDELETE\nf2\n2\nf2");
  });
});

describe("compaction", () => {
  same("and what it forgets", [
    "put p 1",
    "put p 2",
    "put p 3",
    "get p -w json",
    "compaction 40",
    "compaction 40",
    "compaction 45 --physical",
    "get p --rev 39",
    "get p --rev 3",
    { run: "watch p --rev 3", until: "compacted" },
    "get p -w json",
  ]);
});

describe("leases", () => {
  same("from grant to revoke", [
    "lease grant 100",
    "put l/1 x --lease $1",
    "put l/2 y --lease $1 -w json",
    "get l/1 -w json",
    "lease timetolive $1 --keys",
    "lease keep-alive --once $1",
    "lease keep-alive --once $1 -w json",
    "lease list",
    "put l/2 y --ignore-lease",
    "put l/1 without",
    "lease timetolive $1 --keys",
    "lease revoke $1",
    "lease revoke $1",
    "lease timetolive $1",
    "get l/ --prefix",
    "lease list",
    "lease grant 1",
    "lease grant 0 -w json",
    "lease timetolive $1 -w json",
    "lease revoke $1",
  ]);
});

describe("the cluster", () => {
  same("member list", ["member list", "member list -w table", "member list -w fields"]);

  same("health", ["endpoint health", "endpoint health -w json", "alarm list", "alarm disarm", "defrag"]);

  test("status has the same shape and says the truth", async () => {
    for (const cluster of [ours, theirs]) {
      const { stdout } = await etcdctl(cluster.endpoints, ["endpoint", "status", "-w", "json"]);
      const all = JSON.parse(stdout) as { Endpoint: string; Status: Record<string, unknown> }[];
      expect(all.map(({ Endpoint }) => Endpoint)).toEqual(cluster.members.map(({ clientUrl }) => clientUrl));
      for (const { Status: status } of all) {
        expect(Object.keys(status).sort()).toEqual(
          ["dbSize", "dbSizeInUse", "header", "leader", "raftAppliedIndex", "raftIndex", "raftTerm", "version"].sort(),
        );
        expect(status.version).toBe("3.4.23");
      }
      expect(new Set(all.map(({ Status: status }) => status.leader)).size).toBe(1);
    }
  });

  test("the hash of the keys is equal on all members, at every revision that is kept", async () => {
    const hashes = async (cluster: StoreCluster, rev: string) => {
      const { stdout } = await etcdctl(cluster.endpoints, ["endpoint", "hashkv", "--rev", rev, "-w", "json"]);
      const all = JSON.parse(stdout) as { HashKV: { hash: number } }[];
      return new Set(all.map(({ HashKV }) => HashKV.hash));
    };
    for (const rev of ["0", "50", "60"]) expect((await hashes(ours, rev)).size, rev).toBe(1);
    // A lease's id is part of a pair: what was written with one differs between the clusters. Revision 0 has none left.
  });

  test("move-leader moves it, and only the leader is asked", async () => {
    for (const cluster of [ours, theirs]) {
      const leader = await cluster.leader();
      const target = cluster.members.find((member) => member !== leader)!;
      const { stdout } = await etcdctl(target.clientUrl, ["endpoint", "status", "-w", "json"]);
      const hex = /"member_id":(\d+)/.exec(stdout)![1]!;
      const id = BigInt(hex).toString(16);
      const moved = await etcdctl(cluster.endpoints, ["move-leader", id]);
      expect(moved.stdout).toMatch(/^Leadership transferred from [0-9a-f]+ to [0-9a-f]+\n$/);
      expect(await cluster.leader()).toBe(target);
      const refused = await etcdctl(leader.clientUrl, ["move-leader", id]);
      expect(refused.code).toBe(128);
      expect(refused.stderr).toContain("no leader endpoint given");
      const unknown = await etcdctl(cluster.endpoints, ["move-leader", "1234"]);
      expect(unknown.stderr).toContain("etcdserver: bad leader transferee");
    }
  });
});

describe("beside the keys", () => {
  test("plain HTTP on the client port says how the member is", async () => {
    for (const { clientUrl } of ours.members) {
      const get = async (path: string) => {
        const answer = await fetch(`${clientUrl}${path}`);
        return `${answer.status} ${await answer.text()}`;
      };
      expect(await get("/health")).toBe('200 {"health":"true","reason":""}');
      expect(await get("/livez")).toBe("200 ok\n");
      expect(await get("/readyz?verbose")).toContain("[+]linearizable_read ok\n");
      expect(await get("/readyz/data_corruption")).toBe("200 ok\n");
      expect(await get("/version")).toBe('200 {"etcdserver":"3.4.23","etcdcluster":"3.4.0","storage":"3.4.0"}');
      expect(await get("/metrics")).toMatch(/^etcd_server_has_leader 1$/m);
      expect(await get("/nothing")).toMatch(/^404/);
    }
  });

  test("what is not offered says so", async () => {
    const { clientUrl } = ours.members[0]!;
    const snapshot = await etcdctl(clientUrl, ["snapshot", "save", `${ours.directory}/snapshot.db`]);
    expect(snapshot.stderr).toContain("snapshot save is not supported by this member");
    const auth = await etcdctl(clientUrl, ["auth", "enable"]);
    expect(auth.stderr).toContain("authentication is not supported by this member");
  });

  test("lock and elect, which are recipes of the client, work", async () => {
    const lock = await etcdctl(ours.members[1]!.clientUrl, ["lock", "the-lock", "echo", "held"]);
    expect(lock).toMatchObject({ code: 0, stdout: "held\n" });
    const elect = await etcdctl(ours.members[2]!.clientUrl, ["elect", "the-office", "me"], { until: "\nme\n" });
    expect(elect.stdout).toMatch(/^the-office\/[0-9a-f]+\nme$/);
  });
});
