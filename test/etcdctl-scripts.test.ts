import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { debianEtcd, etcdctl, flotilla, portsFor, StoreCluster } from "./store-cluster.ts";
import { Conversations } from "./support/conversation.ts";
import { type Line, runScript, Session } from "./support/etcdctl-scripts.ts";
import { eventually } from "./support/eventually.ts";

// Debian's etcdctl, every command of it, with three members of etcd and three of ours: what it prints, where, and how it ends is equal.

const theirs = new Session(new StoreCluster(debianEtcd, portsFor(11)));
const ours = new Session(new StoreCluster(flotilla, portsFor(12)));
const sessions = [theirs, ours] as const;
const conversations = new Conversations(() => ({ ETCDCTL_API: "3" }));

beforeAll(async () => {
  await Promise.all(sessions.map(({ cluster }) => cluster.start()));
  await Promise.all(sessions.map((session) => session.open()));
});
afterAll(async () => {
  await conversations.end();
  await Promise.all(sessions.map(({ cluster }) => cluster.remove()));
});

/** The lines, on both, with one member. */
function same(name: string, at: number | undefined, lines: readonly Line[]): void {
  test(name, () => runScript(sessions, lines, at));
}

describe("keys and values", () => {
  const formats = ["simple", "json", "fields", "table"];

  same("put", 0, [
    ...formats.map((format) => `put a 1 -w ${format}`),
    ...formats.map((format) => `put a 2 --prev-kv -w ${format}`),
    { run: "put from-stdin", input: "several\nlines\n" },
    "put empty ''",
    "put -- -dash -value",
    "put 'with blank' 'and blank'",
    "put a --ignore-value",
    "put nothing --ignore-value",
    "put a x --ignore-lease",
    "put a x --ignore-value",
    "put",
    "put '' x",
    "put k v --lease 1234",
    "put k v --lease nonsense",
    "put k v extra",
    "put k v --unknown-flag",
  ]);

  same("get", 1, [
    "put c/1 one",
    "put c/2 two",
    "put c/3 three",
    ...formats.flatMap((format) => [`get a -w ${format}`, `get c/ --prefix -w ${format}`, `get missing -w ${format}`]),
    "get a -w nonsense",
    "get a --print-value-only",
    "get a --print-value-only -w json",
    "get a --hex",
    "get a -w json --hex",
    "get a -w fields --hex",
    "get a c",
    "get c/ --prefix --keys-only",
    "get c/ --prefix --keys-only -w json",
    "get c/ --prefix --limit 2 -w json",
    "get c/ --prefix --limit 2",
    "get c/ --prefix --order DESCEND",
    "get c/ --prefix --order ASCEND --sort-by KEY",
    "get c/ --prefix --sort-by VALUE --order DESCEND --limit 2 -w json",
    "get '' --prefix --sort-by MODIFY --order DESCEND --limit 3",
    "get '' --prefix --sort-by CREATE --order ASCEND --limit 3",
    "get '' --prefix --sort-by VERSION --order DESCEND --limit 1",
    "get '' --from-key --keys-only",
    "get c/2 --from-key",
    "get c/2 --from-key -w fields",
    "get a --consistency s",
    "get a --consistency x",
    "get z a",
    "get a --rev 3 -w json",
    "get a --rev 1",
    "get a --rev 999999",
    "get a --order SIDEWAYS",
    "get a --sort-by NOTHING",
    "get a b --prefix",
    "get a --prefix --from-key",
    "get ''",
    "get",
  ]);

  same("del", 2, [
    "put d/1 1",
    "put d/2 2",
    "put d/3 3",
    "put d/4 4",
    "put d/5 5",
    "put d/6 6",
    "del d/1",
    "del d/1 -w json",
    "del d/2 --prev-kv",
    "del d/3 -w json --prev-kv",
    "del d/4 -w fields --prev-kv",
    "del d/5 -w table --prev-kv",
    "del d/ --prefix",
    "del d/ --prefix -w json",
    "put d/1 again -w json",
    "get d/1 -w json",
    "del d/0 d/9",
    "del d/ --from-key -w fields",
    "del a b --prefix",
    "del ''",
    "del",
  ]);

  same("txn", 0, [
    "put t 5",
    { run: "txn", input: 'value("t") = "5"\n\nput t 6\nget t\n\nget t\n\n' },
    { run: "txn -w fields", input: 'value("t") = "5"\n\nput t 7\n\nget t\nput u 1\ndel t\n\n' },
    { run: "txn -w json", input: 'mod("u") > "0"\nver("u") = "1"\n\nput u 2\nget u --prefix\n\n\n' },
    { run: "txn -w json", input: 'create("u") = "0"\n\nput u 2\n\nget u\n\n' },
    { run: "txn -w table", input: 'create("u") = "0"\n\nput u 2\n\nget u\n\n' },
    { run: "txn -i", input: 'value("u") = "2"\n\nput u interactive\n\nget u\n\n' },
    { run: "txn --interactive", input: 'value("u") < "a"\n\nput u interactive\n\nget u\ndel u --prev-kv\n\n' },
    { run: "txn", input: 'mod("u") = "0"\n\nput v 1\nput v 2\n\n\n' },
    { run: "txn", input: "\n\nput w 1\ndel w\n\n\n\n" },
    { run: "txn", input: "\n\n\n\n\n" },
    { run: "txn", input: 'nonsense("u") = "0"\n\n\n\n' },
    { run: "txn", input: "\nput\n\n\n" },
    { run: "txn", input: "\nget a --rev 99999\n\n\n" },
    "get '' --prefix -w json",
  ]);

  same("compaction", 1, [
    "put p 1 -w json",
    "put p 2",
    "put p 3",
    "compaction 20",
    "compaction 20",
    "compaction 30 --physical -w json",
    "compaction 999999",
    "compaction nonsense",
    "compaction",
    "compaction 0",
    "get p --rev 19",
    "get p --rev 3",
    { run: "watch p --rev 3", until: "compacted" },
    "get p -w json",
  ]);

  test("protobuf: the pairs are the same bytes", async () => {
    for (const [line, first] of [
      ["get c/ --prefix -w protobuf", "c/1"],
      ["del c/ --prefix --prev-kv -w protobuf", "c/1"],
    ] as const) {
      // Before the pairs stands the header, with ids of each cluster's own.
      const [expected, actual] = await Promise.all(
        sessions.map(async (session) => {
          const { stdout } = await session.run(line, session.cluster.members[0]!.clientUrl);
          return stdout.slice(stdout.indexOf(first));
        }),
      );
      expect(actual, line).toEqual(expected);
      expect(actual, line).toContain("three");
    }
  });
});

describe("watch", () => {
  // Keys of its own, so that a watch ends at the last of its events.
  same("of the past", 0, [
    "put w/start x",
    "put w/a 1",
    "put w/b 2",
    "put w/a 3",
    "del w/b",
    "put w/end x",
    { run: "watch w/ --prefix --rev 2 -w json", until: `"key":"${btoa("w/end")}"` },
    { run: "watch w/ --prefix --rev 2 -w fields", until: '"Key" : "w/end"' },
    { run: "watch w/ --prefix --rev 2", until: "w/end\nx\n" },
    { run: "watch w/ --prefix --prev-kv --rev 2", until: "w/end\nx\n" },
    { run: "watch w/a w/c --rev 2 --prev-kv", until: "DELETE\nw/b\n2\nw/b\n" },
    { run: "watch w/end --rev 2 --hex", until: "\\x78\n" },
    { run: "watch -i", input: "watch w/ --prefix --rev 2\n", until: "w/end\nx\n" },
    { run: "watch -i", input: "nonsense\n" },
    {
      run: "watch --rev 2 w/end -- sh -c 'echo $ETCD_WATCH_EVENT_TYPE $ETCD_WATCH_KEY $ETCD_WATCH_VALUE'",
      until: '"w/end" "x"\n',
    },
    "watch",
    "watch w/ --prefix --rev nonsense",
  ]);
});

describe("leases", () => {
  same("from grant to revoke", 2, [
    "lease grant 100",
    "put l/1 x --lease $lease",
    "put l/2 y --lease $lease",
    "get l/1 --prefix --keys-only",
    ...["simple", "json", "fields", "table"].flatMap((format) => [
      `lease timetolive $lease -w ${format}`,
      `lease timetolive $lease --keys -w ${format}`,
    ]),
    "lease keep-alive --once $lease",
    "lease keep-alive --once $lease -w json",
    "lease keep-alive --once $lease -w fields",
    { run: "lease keep-alive $lease", until: "keepalived" },
    ...["simple", "json", "fields", "table"].map((format) => `lease list -w ${format}`),
    "put l/2 y --ignore-lease",
    "put l/1 without",
    "lease timetolive $lease --keys",
    "lease revoke $lease",
    "lease revoke $lease",
    "lease timetolive $lease",
    "lease keep-alive --once $lease",
    { run: "lease keep-alive $lease" },
    "get l/ --prefix",
    "lease list",
    "lease grant 1",
    "lease revoke $lease -w json",
    "lease grant 0 -w json",
    "lease grant 60 -w fields",
    "lease grant 60 -w table",
  ]);

  same("wrong", 0, [
    "lease revoke 1234",
    "lease revoke nonsense",
    "lease timetolive 1234",
    "lease timetolive 1234 -w json",
    "lease keep-alive --once 1234",
    "lease grant 99999999999",
    "lease grant nonsense",
    "lease grant",
    "lease revoke",
    "lease",
  ]);
});

describe("the cluster", () => {
  const formats = ["simple", "json", "fields", "table"];

  same("endpoints", undefined, [
    ...["simple", "json", "table"].map((format) => `endpoint health -w ${format}`),
    ...formats.map((format) => `endpoint status -w ${format}`),
    "endpoint health --cluster",
    "endpoint status --cluster -w table",
    "endpoint hashkv --rev 999999",
    "endpoint",
    "endpoint health extra",
  ]);

  test("hashes of all members are the same, in any format, at any revision", async () => {
    for (const { cluster } of sessions) {
      const hashes = async (...flags: string[]) => {
        const { stdout } = await etcdctl(cluster.members[0]!.clientUrl, ["endpoint", "hashkv", "--cluster", ...flags]);
        return stdout;
      };
      await etcdctl(cluster.endpoints, ["put", "hashed", "1"]);
      const put = await etcdctl(cluster.endpoints, ["put", "hashed", "2", "-w", "json"]);
      const revision = Number(/"revision":(\d+)/.exec(put.stdout)?.[1]);
      for (const rev of ["0", `${revision - 1}`]) {
        const all = JSON.parse(await hashes("--rev", rev, "-w", "json")) as {
          readonly HashKV: { readonly hash: number };
        }[];
        expect(all).toHaveLength(3);
        expect(new Set(all.map(({ HashKV }) => HashKV.hash)).size, rev).toBe(1);
      }
      expect(await hashes()).toMatch(/^(http:\/\/127.0.0.1:\d+, \d+\n){3}$/);
      expect(await hashes("-w", "fields")).toMatch(/"Hash" : \d+/);
    }
  });

  same("an endpoint that is not there", 0, [
    { run: "get a --dial-timeout=300ms --command-timeout=1s", endpoints: "http://127.0.0.1:1" },
    { run: "endpoint health --dial-timeout=300ms --command-timeout=300ms", endpoints: "http://127.0.0.1:1" },
  ]);

  same("alarms and defragmentation", 1, [
    // Of an answer without a header, which 3.4 gives, etcdctl itself dies with -w fields.
    ...["simple", "json", "table"].map((format) => `alarm list -w ${format}`),
    "alarm disarm",
    "alarm",
    "defrag",
    "defrag --cluster",
    "defrag extra",
  ]);

  same("members", 0, [
    ...formats.map((format) => `member list -w ${format}`),
    "member add x --peer-urls=nonsense",
    "member add x",
    "member add",
    "member remove 1234",
    "member remove nonsense",
    "member remove",
    "member update 1234 --peer-urls=http://127.0.0.1:1",
    "member update $1",
    "member promote 1234",
    "member promote $1",
    "member promote",
    "member",
  ]);

  test("a member is added, changed, not promoted and removed", async () => {
    // The strict check wants everybody to have been connected for 5 s.
    await Promise.all(
      sessions.map((session) =>
        eventually("adding a learner", async () => {
          const added = await session.run(
            "member add early --learner --peer-urls=http://127.0.0.1:9",
            session.cluster.members[0]!.clientUrl,
          );
          return added.code === 0;
        }),
      ),
    );
    await runScript(
      sessions,
      [
        "member list",
        "member remove $added",
        "member add x --learner --peer-urls=http://127.0.0.1:1,http://127.0.0.1:2",
        "member list -w table",
        "member add y --learner --peer-urls=http://127.0.0.1:3",
        "member add y --peer-urls=http://127.0.0.1:1",
        "member promote $added",
        "member remove $added -w json",
        "member remove $added",
        "member add z --peer-urls=http://127.0.0.1:5 -w json",
        "member update $added --peer-urls=http://127.0.0.1:4",
        "member list -w json",
        "member list -w fields",
      ],
      0,
    );
    for (const session of sessions) {
      const { stdout } = await etcdctl(session.cluster.endpoints, ["member", "list"]);
      const unstarted = /^([0-9a-f]+), unstarted/m.exec(stdout)![1]!;
      expect((await etcdctl(session.cluster.endpoints, ["member", "remove", unstarted])).code).toBe(0);
    }
  });

  test("move-leader moves it, and only the leader is asked", async () => {
    const said = await Promise.all(
      sessions.map(async (session) => {
        const { cluster } = session;
        const leader = await cluster.leader();
        const target = cluster.members.find((member) => member !== leader)!;
        const at = cluster.members.indexOf(target);
        const moved = await session.run(`move-leader $${at}`, cluster.endpoints);
        expect(moved.stdout).toMatch(/^Leadership transferred from [0-9a-f]+ to [0-9a-f]+\n$/);
        expect(await cluster.leader()).toBe(target);
        const refusals = [];
        for (const [line, endpoints] of [
          [`move-leader $${at}`, leader.clientUrl],
          ["move-leader 1234", cluster.endpoints],
          ["move-leader nonsense", cluster.endpoints],
          ["move-leader", cluster.endpoints],
        ] as const) {
          const { code, stderr } = await session.run(line, endpoints);
          refusals.push({
            line: line.replace(/\$\d/, "$n"),
            code,
            stderr: stderr
              .replaceAll(/127.0.0.1:\d+|\b[0-9a-f]{14,16}\b/g, "<x>")
              .replaceAll(/"(ts|caller)":"[^"]*"|endpoint:\/\/client-[0-9a-f-]+\//g, ""),
          });
        }
        return refusals;
      }),
    );
    expect(said[1]).toEqual(said[0]);
  });
});

describe("recipes", () => {
  same("lock with a command, elect that ends", 1, [
    "lock the-lock echo held",
    "lock the-lock -- sh -c 'exit 7'",
    "lock the-lock --ttl 5 -- sh -c 'echo $ETCD_LOCK_KEY'",
    "lock",
    "get the-lock --prefix",
    { run: "elect the-office me", until: "\nme\n" },
    "elect",
    "elect the-office me you him",
    "elect -l the-office me",
  ]);

  test("two contend for a lock: the second waits until the first lets go", async () => {
    const seen = await Promise.all(
      sessions.map(async ({ cluster }) => {
        const lock = (at: number) =>
          conversations.with("etcdctl", ["--endpoints", cluster.members[at]!.clientUrl, "lock", "contended"]);
        const first = lock(0);
        await first.hears(/^contended\/[0-9a-f]+\n/);
        const second = lock(1);
        await eventually(
          "the second's key",
          async () =>
            (await etcdctl(cluster.endpoints, ["get", "contended/", "--prefix", "--keys-only"])).stdout
              .trim()
              .split(/\s+/).length === 2,
        );
        expect(second.output).toBe("");
        first.child.kill("SIGINT");
        expect(await first.exited).toBe(0);
        await second.hears(/^contended\/[0-9a-f]+\n/);
        second.child.kill("SIGINT");
        return {
          code: await second.exited,
          left: (await etcdctl(cluster.endpoints, ["get", "contended/", "--prefix"])).stdout,
        };
      }),
    );
    expect(seen[1]).toEqual(seen[0]);
    expect(seen[1]).toEqual({ code: 0, left: "" });
  });

  test("an election is watched: who leads is told, and who follows", async () => {
    for (const { cluster } of sessions) {
      const elect = (...args: string[]) =>
        conversations.with("etcdctl", ["--endpoints", cluster.members[2]!.clientUrl, "elect", ...args]);
      const observer = elect("-l", "election");
      const first = elect("election", "first");
      await first.hears(/^election\/[0-9a-f]+\nfirst\n/);
      await observer.hears(/^election\/[0-9a-f]+\nfirst\n/);
      const second = elect("election", "second");
      first.child.kill("SIGINT");
      await first.exited;
      await second.hears(/^election\/[0-9a-f]+\nsecond\n/);
      await observer.hears(/first\n+election\/[0-9a-f]+\nsecond\n/);
      for (const one of [second, observer]) await one.end("SIGINT");
    }
  });

  test("make-mirror mirrors from etcd to ours and from ours to etcd, prefixes and all", async () => {
    const keys = ({ cluster }: Session, prefix: string) =>
      etcdctl(cluster.endpoints, ["get", prefix, "--prefix"]).then(({ stdout }) => stdout);
    for (const [from, to] of [
      [theirs, ours],
      [ours, theirs],
    ] as const) {
      const source = from.cluster.members[0]!.clientUrl;
      const put = (...args: string[]) => etcdctl(source, args);
      for (const at of [1, 2, 3]) await put("put", `mirrored/${at}`, `${at}`);
      const mirror = conversations.with("etcdctl", [
        "--endpoints",
        source,
        "make-mirror",
        "--prefix",
        "mirrored/",
        "--dest-prefix",
        "copy/",
        to.cluster.members[1]!.clientUrl,
      ]);
      await eventually("the first copy", async () => (await keys(to, "copy/")) === "copy/1\n1\ncopy/2\n2\ncopy/3\n3\n");
      await put("put", "mirrored/4", "four");
      await put("del", "mirrored/1");
      await etcdctl(source, ["txn"], { input: "\nput mirrored/5 five\nput mirrored/6 six\ndel mirrored/2\n\n\n" });
      await put("put", "not-mirrored", "x");
      await eventually(
        "what came later",
        async () => (await keys(to, "copy/")) === "copy/3\n3\ncopy/4\nfour\ncopy/5\nfive\ncopy/6\nsix\n",
      );
      await mirror.end("SIGINT");
      for (const session of sessions)
        for (const prefix of ["mirrored/", "copy/"])
          await etcdctl(session.cluster.endpoints, ["del", prefix, "--prefix"]);
    }
  });

  test("a watch of the future: events come as they happen, with the pair before, through another member", async () => {
    const seen = await Promise.all(
      sessions.map(async ({ cluster }) => {
        const [watching, writing] = cluster.members;
        const watch = conversations.with("etcdctl", [
          "--endpoints",
          watching!.clientUrl,
          "watch",
          "f",
          "--prefix",
          "--prev-kv",
        ]);
        const put = (...args: string[]) => etcdctl(writing!.clientUrl, args);
        // etcdctl does not say when its watch stands.
        await eventually("the first event", async () => {
          await put("put", "f0", "0");
          return watch.output.includes("f0\n0\n");
        });
        for (const args of [
          ["put", "f1", "1"],
          ["put", "f1", "one"],
          ["put", "f2", "2"],
          ["put", "g", "3"],
          ["del", "f2"],
        ])
          await put(...args);
        await watch.hears(/DELETE\nf2\n2\nf2\n\n/);
        await watch.end();
        await put("del", "f0");
        return watch.output.slice(watch.output.indexOf("PUT\nf1"));
      }),
    );
    expect(seen[1]).toBe(seen[0]);
    expect(seen[1]).toBe("PUT\nf1\n1\nPUT\nf1\n1\nf1\none\nPUT\nf2\n2\nDELETE\nf2\n2\nf2\n\n");
  });

  test("check datascale writes its keys, sees the memory they take, and cleans up", async () => {
    const check = async ({ cluster }: Session) => {
      const flags = ["--load", "s", "--auto-compact", "--auto-defrag"];
      const checked = await etcdctl(cluster.members[0]!.clientUrl, ["check", "datascale", ...flags], {
        patienceMs: 90_000,
      });
      expect(checked).toMatchObject({ code: 0 });
      expect(checked.stdout + checked.stderr).toMatch(
        /Start data scale check for work load \[10000 key-value pairs, 1024 bytes per key-value, 50 concurrent clients\]/,
      );
      expect(checked.stdout).toMatch(/PASS: Approximate system memory used : -?[0-9.]+ MB/);
      const left = await etcdctl(cluster.endpoints, ["get", "/etcdctl-check-datascale/", "--prefix"]);
      expect(left.stdout).toBe("");
    };
    await Promise.all(sessions.map(check));
  });
});

describe("a snapshot", () => {
  test("is saved, and holds as many keys in both", async () => {
    const [expected, actual] = await Promise.all(
      sessions.map(async (session) => {
        await session.run("put saved 1", session.cluster.endpoints);
        const saved = await session.run("snapshot save $dir/snapshot.db", session.cluster.members[0]!.clientUrl);
        const status = await session.run("snapshot status $dir/snapshot.db -w json", session.cluster.endpoints);
        const { revision, totalKey } = JSON.parse(status.stdout) as { revision: number; totalKey: number };
        return {
          code: saved.code,
          stdout: saved.stdout.replace(session.cluster.directory, "<dir>"),
          revision: revision > 0,
          keys: totalKey > 0,
        };
      }),
    );
    expect(actual).toEqual(expected);
    expect(actual).toMatchObject({ code: 0, revision: true, keys: true });
  });
});

describe("beside the keys", () => {
  test("plain HTTP on the client port says how the member is", async () => {
    for (const { clientUrl } of ours.cluster.members) {
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
});

describe("what needs no store", () => {
  same("version, help, nonsense", 0, ["version", "nonsense", "help get", "--unknown"]);
});
