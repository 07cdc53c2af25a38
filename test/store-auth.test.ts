// Users, roles and tokens where more than one process has a say: three members of which one is away, members that start again, JWTs
// and certificates that Debian's etcd must understand as ours does. What single commands print, `etcdctl-users.test.ts` compares.
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Deferred, toUtf8 } from "../base/mod.ts";
import { connect, type EtcdClient, type EtcdClientOptions, EtcdError, prefixEnd } from "../kvstore/client/mod.ts";
import { makeCertificates } from "../kvstore/rpc/grpc/certificates.testing.ts";
import { authpb } from "../proto/mod.ts";
import { debianEtcd, flotilla, type Kind, portsFor, StoreCluster, type StoreMember } from "./store-cluster.ts";
import { eventually } from "./support/eventually.ts";

const { READ, READWRITE } = authpb.PermissionType;
const cheap = ["--bcrypt-cost", "4"];
const rootUser = { name: "root", password: "top" };
const ann = { name: "ann", password: "one" };

const directory = mkdtempSync(join(tmpdir(), "flotilla-test-auth-"));
const clusters: StoreCluster[] = [];
const clients: EtcdClient[] = [];

afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await Promise.all(clusters.map((cluster) => cluster.remove()));
  rmSync(directory, { recursive: true, force: true });
});

function store(...args: ConstructorParameters<typeof StoreCluster>): StoreCluster {
  const cluster = new StoreCluster(...args);
  clusters.push(cluster);
  return cluster;
}

function clientOf(options: EtcdClientOptions): EtcdClient {
  const client = connect({ timeoutMs: 8000, ...options });
  clients.push(client);
  return client;
}

const prefix = (text: string) => ({ key: toUtf8(text), rangeEnd: prefixEnd(text) });
const put = (client: EtcdClient, key: string) => client.kv.put({ key: toUtf8(key), value: toUtf8("x") });

/** "ok", or which of etcd's errors it was. */
async function outcome(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "ok";
  } catch (error) {
    if (!(error instanceof EtcdError)) throw error;
    return error.etcdCode ?? error.message;
  }
}

/** Root, and ann, who may do anything below `a/`, which the role r grants. Then auth is enabled. */
async function enableAuth(client: EtcdClient): Promise<void> {
  const { auth } = client;
  await auth.userAdd(rootUser.name, rootUser.password);
  await auth.userGrantRole("root", "root");
  await auth.userAdd(ann.name, ann.password);
  await auth.roleAdd("r");
  await auth.roleGrantPermission("r", { permType: READWRITE, ...prefix("a/") });
  await auth.userGrantRole("ann", "r");
  await auth.enable();
}

describe("three members", () => {
  const cluster = store(flotilla, portsFor(4), 3, [
    ...cheap,
    "--snapshot-count",
    "30",
    "--snapshot-catchup-entries",
    "5",
  ]);
  const anonymous = () => clientOf({ endpoints: [cluster.members[0]!.clientUrl] });
  const root = clientOf({ endpoints: cluster.members.map(({ clientUrl }) => clientUrl), auth: rootUser });
  const everywhere = clientOf({ endpoints: cluster.members.map(({ clientUrl }) => clientUrl), auth: ann });
  /** Watches and leases are looked at as the member asked knows them: the one that `everywhere` asks is to know all. */
  const caughtUp = () => everywhere.kv.range(prefix("a/"));
  /** One whose absence no request notices. */
  async function follower(): Promise<StoreMember> {
    for (const member of cluster.members) {
      const { leader, header } = await root.maintenance.status({ endpoint: member.clientUrl });
      if (leader !== 0n && leader !== header?.memberId) return member;
    }
    throw new Error("three members have two that follow");
  }

  beforeAll(async () => {
    await cluster.start();
    await enableAuth(anonymous());
  });

  test("take a token that another of them gave, at once", async () => {
    for (let round = 0; round < 5; round++) {
      const [given, ...others] = [0, 1, 2].map((at) => cluster.members[(round + at) % 3]!.clientUrl);
      const { token } = await clientOf({ endpoints: [given!] }).auth.authenticate(ann.name, ann.password);
      expect(token).toMatch(/^[A-Za-z]{16}\.\d+$/);
      const reads = others.map((endpoint) =>
        clientOf({ endpoints: [endpoint], token }).kv.range({ ...prefix("a/"), serializable: true }),
      );
      expect(await Promise.all(reads.map(outcome))).toEqual(["ok", "ok"]);
    }
  });

  test("ask everybody for no more and no less than etcd does", async () => {
    await put(root, "secret");
    const { id } = await root.lease.grant(600);
    await root.kv.put({ key: toUtf8("secret"), lease: id });
    await caughtUp();
    const calls: Readonly<Record<string, readonly [string, string, (client: EtcdClient) => Promise<unknown>]>> = {
      "a range": ["UserEmpty", "PermissionDenied", (client) => client.kv.range({ key: toUtf8("secret") })],
      "a range of one's own": ["UserEmpty", "ok", (client) => client.kv.range(prefix("a/"))],
      "a stream of a range": ["UserEmpty", "PermissionDenied", (client) => chunks(client, "secret")],
      "a read-only transaction": ["UserEmpty", "PermissionDenied", (client) => compare(client, "secret")],
      "a lease": ["UserEmpty", "ok", (client) => client.lease.grant(600)],
      "a lease for a put, with another's key": [
        "UserEmpty",
        "PermissionDenied",
        (client) => client.kv.put({ key: toUtf8("a/1"), lease: id }),
      ],
      "the end of a lease": ["UserEmpty", "PermissionDenied", (client) => client.lease.revoke(id)],
      "the renewal of a lease": ["UserEmpty", "PermissionDenied", (client) => client.lease.keepAliveOnce(id)],
      "a lease's time": ["UserEmpty", "ok", (client) => client.lease.timeToLive(id)],
      "a lease's keys": ["UserEmpty", "PermissionDenied", (client) => client.lease.timeToLive(id, { keys: true })],
      "all leases": ["UserEmpty", "PermissionDenied", (client) => client.lease.leases()],
      status: ["UserEmpty", "ok", (client) => client.maintenance.status()],
      alarms: ["UserEmpty", "ok", (client) => client.maintenance.alarm({})],
      "an alarm's end": ["UserEmpty", "PermissionDenied", (client) => client.maintenance.alarm({ action: 2 })],
      hashes: ["UserEmpty", "PermissionDenied", (client) => client.maintenance.hashKv()],
      defragmentation: ["UserEmpty", "PermissionDenied", (client) => client.maintenance.defragment()],
      "another leader": ["UserEmpty", "PermissionDenied", (client) => client.maintenance.moveLeader(1n)],
      compaction: ["UserEmpty", "PermissionDenied", (client) => client.kv.compact({ revision: 1 })],
      members: ["UserEmpty", "ok", (client) => client.cluster.memberList()],
      "one member more": [
        "UserEmpty",
        "PermissionDenied",
        (client) => client.cluster.memberAdd(["http://127.0.0.1:1"]),
      ],
      "a member nowhere": ["MemberBadURLs", "MemberBadURLs", (client) => client.cluster.memberAdd(["nowhere"])],
      "one member less": ["UserEmpty", "PermissionDenied", (client) => client.cluster.memberRemove(1n)],
      users: ["UserEmpty", "PermissionDenied", (client) => client.auth.userList()],
      oneself: ["UserEmpty", "ok", (client) => client.auth.userGet("ann")],
      others: ["UserEmpty", "PermissionDenied", (client) => client.auth.userGet("root")],
      "one's own role": ["UserEmpty", "ok", (client) => client.auth.roleGet("r")],
      "whether there is auth": ["ok", "ok", (client) => client.auth.status()],
    };
    const nobody = anonymous();
    const seen: Record<string, readonly string[]> = {};
    for (const [what, [, , call]] of Object.entries(calls)) {
      seen[what] = [await outcome(call(nobody)), await outcome(call(everywhere))];
    }
    expect(seen).toEqual(Object.fromEntries(Object.entries(calls).map(([what, [none, one]]) => [what, [none, one]])));
    await root.lease.revoke(id);
  });

  test("refuse a watch of more than one may read, an open-ended one too, and keep the stream", async () => {
    await root.auth.roleGrantPermission("r", { permType: READ, key: toUtf8("w"), rangeEnd: toUtf8("x") });
    await caughtUp();
    const refused = async (request: { key: Uint8Array; rangeEnd?: Uint8Array }) => {
      const end = new Deferred<string>();
      const listener = {
        onCreated: () => end.resolve("created"),
        onEvents: () => undefined,
        onEnd: (how: { kind: string; error?: Error }) => end.resolve(`${how.kind}: ${how.error?.message}`),
      };
      const watcher = everywhere.watch.open(request, listener);
      try {
        return await end.promise;
      } finally {
        watcher.close();
      }
    };
    const denied = "failed: etcdserver: permission denied";
    expect(await refused({ key: toUtf8("w"), rangeEnd: toUtf8("x") })).toBe("created");
    expect(await refused({ key: toUtf8("w"), rangeEnd: Uint8Array.of(0) })).toBe(denied);
    expect(await refused({ key: toUtf8("w"), rangeEnd: toUtf8("y") })).toBe(denied);
    expect(await refused(prefix("a/"))).toBe("created");
  });

  test("let leases expire, which nobody asked for by name", async () => {
    const { id } = await everywhere.lease.grant(2);
    await everywhere.kv.put({ key: toUtf8("a/short"), lease: id });
    const gone = async () => (await everywhere.kv.range({ key: toUtf8("a/short") })).count === 0;
    await eventually("the key of an expired lease is deleted", gone, 10_000);
  });

  test.each([
    ["a few entries", 0],
    // More than the leader keeps for one that may come back.
    ["a snapshot", 500],
  ])("agree after one was away for %s", async (_, writes) => {
    const away = await follower();
    await away.end();
    await root.auth.userAdd("bob", "two");
    await root.auth.userGrantRole("bob", "r");
    await root.auth.roleRevokePermission("r", prefix("a/"));
    await root.auth.roleGrantPermission("r", { permType: READ, ...prefix("b/") });
    await Promise.all(Array.from({ length: writes }, (_, at) => put(root, `b/${at}`)));
    await away.start();
    expect(away.output.includes("applied snapshot")).toBe(writes > 0);
    const own = { endpoints: [away.clientUrl] };
    const serializable = (client: EtcdClient, text: string) =>
      outcome(client.kv.range({ ...prefix(text), serializable: true }));
    const { token } = await clientOf(own).auth.authenticate("bob", "two");
    const bob = clientOf({ ...own, token });
    expect([await serializable(bob, "a/"), await serializable(bob, "b/")]).toEqual(["PermissionDenied", "ok"]);
    expect(await outcome(put(bob, "b/1"))).toBe("PermissionDenied");
    const revisions = cluster.members.map(async ({ clientUrl }) => {
      const { authRevision, enabled } = await clientOf({ endpoints: [clientUrl] }).auth.status();
      return { authRevision, enabled };
    });
    const [first, ...others] = await Promise.all(revisions);
    expect(first?.enabled).toBe(true);
    for (const other of others) expect(other).toEqual(first);
    await root.auth.userDelete("bob");
    expect(await outcome(bob.kv.range(prefix("b/")))).toBe("InvalidAuthToken");
    await root.auth.roleRevokePermission("r", prefix("b/"));
    await root.auth.roleGrantPermission("r", { permType: READWRITE, ...prefix("a/") });
  });

  test("forget all tokens when they start again, but nothing else; a client logs in again without a word", async () => {
    await caughtUp();
    const { token } = await anonymous().auth.authenticate(ann.name, ann.password);
    const events: string[] = [];
    const [seen, over] = [new Deferred<void>(), new Deferred<void>()];
    everywhere.watch.open(prefix("a/"), {
      onCreated: () => events.push("created"),
      onEvents: () => {
        events.push("event");
        seen.resolve();
      },
      onEnd(end) {
        events.push(end.kind === "failed" ? end.error.message : end.kind);
        over.resolve();
      },
    });
    await eventually("the watch is there", () => events.length > 0);
    // An orderly end leaves nothing in the log that is not in the database: no login is applied again.
    await Promise.all(cluster.members.map((member) => member.end("SIGTERM")));
    await cluster.start();
    const stale = clientOf({ endpoints: [cluster.members[0]!.clientUrl], token });
    expect(await outcome(put(stale, "a/1"))).toBe("InvalidAuthToken");
    expect(await outcome(put(anonymous(), "a/1"))).toBe("UserEmpty");
    // A call of one client, a stream of the other: each finds out for itself.
    expect(await outcome(put(root, "a/1"))).toBe("ok");
    await Promise.race([seen.promise, over.promise]);
    expect(events).toEqual(["created", "created", "event"]);
    expect((await root.auth.userList()).users).toEqual(["ann", "root"]);
  });
});

describe("JWTs", () => {
  const [privateFile, publicFile] = [join(directory, "jwt.key"), join(directory, "jwt.pub")];
  const writeKeys = () => {
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    writeFileSync(privateFile, privateKey.export({ type: "pkcs8", format: "pem" }));
    writeFileSync(publicFile, publicKey.export({ type: "spki", format: "pem" }));
  };
  const token = `jwt,sign-method=RS256,pub-key=${publicFile},priv-key=${privateFile},ttl=1h`;
  const args = [...cheap, "--auth-token", token];
  const [ours, theirs] = [flotilla, debianEtcd].map((kind, at) => store(kind, portsFor(17) + 2 * at, 1, args));
  const login = async (cluster: StoreCluster) =>
    (await clientOf({ endpoints: [cluster.endpoints] }).auth.authenticate(ann.name, ann.password)).token;

  beforeAll(async () => {
    writeKeys();
    await Promise.all([ours!.start(), theirs!.start()]);
    await Promise.all([ours, theirs].map((cluster) => enableAuth(clientOf({ endpoints: [cluster!.endpoints] }))));
  });

  test("of ours are good at etcd, and etcd's here, as of the same revision", async () => {
    const tokens = await Promise.all([login(ours!), login(theirs!)]);
    for (const token of tokens) {
      for (const { endpoints } of [ours!, theirs!]) {
        const client = clientOf({ endpoints: [endpoints], token });
        expect([await outcome(put(client, "a/1")), await outcome(put(client, "b"))]).toEqual([
          "ok",
          "PermissionDenied",
        ]);
      }
    }
  });

  test("are old once users have changed; who logs in notices nothing", async () => {
    for (const cluster of [ours!, theirs!]) {
      const endpoints = [cluster.endpoints];
      const stale = clientOf({ endpoints, token: await login(cluster) });
      const patient = clientOf({ endpoints, auth: ann });
      expect(await outcome(put(patient, "a/1"))).toBe("ok");
      await clientOf({ endpoints, auth: rootUser }).auth.roleAdd("another");
      expect(await outcome(put(stale, "a/1"))).toBe("AuthOldRevision");
      expect(await outcome(stale.kv.range({ ...prefix("a/"), serializable: true }))).toBe("AuthOldRevision");
      expect(await outcome(put(patient, "a/1"))).toBe("ok");
    }
  });

  test("are signed by other keys once the files hold others", async () => {
    const old = await login(ours!);
    writeKeys();
    const stale = clientOf({ endpoints: [ours!.endpoints], token: old });
    const isRefused = async () => (await outcome(put(stale, "a/1"))) === "InvalidAuthToken";
    await eventually("a token of the old keys is refused", isRefused, 5000);
    expect(await outcome(put(clientOf({ endpoints: [ours!.endpoints], token: await login(ours!) }), "a/1"))).toBe("ok");
  });
});

describe("a name in a client's certificate", () => {
  const pems = makeCertificates();
  const files = Object.fromEntries(
    (["ca", "server"] as const).flatMap((name) =>
      (["cert", "key"] as const).map((part) => {
        const file = join(directory, `${name}.${part}`);
        writeFileSync(file, pems[name][part]);
        return [`${name}-${part}`, file];
      }),
    ),
  ) as Readonly<Record<string, string>>;
  const tls = { ca: pems.ca.cert, cert: pems.client.cert, key: pems.client.key };
  const args = [
    "--cert-file",
    files["server-cert"]!,
    "--key-file",
    files["server-key"]!,
    "--trusted-ca-file",
    files["ca-cert"]!,
  ];
  const secured = (kind: Kind, at: number) =>
    store(kind, portsFor(17) + 4 + 2 * at, 1, [...cheap, ...args, "--client-cert-auth"], undefined, "https");
  const both = [
    ["ours", secured(flotilla, 0)],
    ["etcd", secured(debianEtcd, 1)],
  ] as const;

  beforeAll(async () => {
    await Promise.all(
      both.map(async ([, cluster]) => {
        await cluster.start();
        await enableAuth(clientOf({ endpoints: [cluster.endpoints], tls }));
        const root = clientOf({ endpoints: [cluster.endpoints], tls, auth: rootUser });
        await root.auth.userAdd("alice", undefined);
        await root.auth.userGrantRole("alice", "r");
      }),
    );
  });

  test.each(both)("is the caller's at %s, unless a token says otherwise", async (_, { endpoints }) => {
    const alice = clientOf({ endpoints: [endpoints], tls });
    expect([await outcome(put(alice, "a/1")), await outcome(put(alice, "b"))]).toEqual(["ok", "PermissionDenied"]);
    expect(await outcome(alice.auth.userList())).toBe("PermissionDenied");
    const root = clientOf({ endpoints: [endpoints], tls, auth: rootUser });
    expect(await outcome(put(root, "b"))).toBe("ok");
    expect(await outcome(put(clientOf({ endpoints: [endpoints], tls, token: "no.1" }), "a/1"))).toBe(
      "InvalidAuthToken",
    );
    expect(await outcome(alice.auth.authenticate("alice", "x"))).toBe("NoPasswordUser");
  });

  test.each(both)("is refused at the gateway of %s, where it would not count", async (_, { endpoints }) => {
    const answer = new Deferred<readonly [number | undefined, string]>();
    const request = httpsRequest(`${endpoints}/v3/kv/range`, { method: "POST", ...tls }, (response) => {
      response.setEncoding("utf8").on("data", (text: string) => answer.resolve([response.statusCode, text]));
    });
    request.on("error", (error) => answer.reject(error));
    request.end(JSON.stringify({ key: Buffer.from("a/1").toString("base64") }));
    expect(await answer.promise).toEqual([400, expect.stringMatching(/^CommonName of client .* will be ignored/)]);
  });
});

async function chunks(client: EtcdClient, key: string): Promise<void> {
  for await (const _ of client.kv.rangeStream({ key: toUtf8(key) })) break;
}

function compare(client: EtcdClient, key: string): Promise<unknown> {
  return client.kv.txn({ compare: [{ key: toUtf8(key) }], success: [{ requestRange: { key: toUtf8("a/1") } }] });
}
