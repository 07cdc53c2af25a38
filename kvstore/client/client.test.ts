import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Deferred, fromUtf8, toUtf8 } from "../../base/mod.ts";
import { AlarmType, CompareTarget, type Event, EventType, Status } from "../../proto/mod.ts";
import { connect } from "./connect.ts";
import { CompactedError, EtcdError } from "./error.ts";
import { type Etcd, startEtcd } from "./etcd.testing.ts";
import { prefixEnd } from "./keys.ts";
import type { EtcdClient, WatchBatch } from "./types.ts";

let etcd: Etcd;
let client: EtcdClient;

beforeAll(async () => {
  etcd = await startEtcd();
  client = connect({ endpoints: etcd.endpoints });
});

afterAll(async () => {
  await client?.close();
  await etcd?.stop();
});

const put = (key: string, value: string, on = client) => on.kv.put({ key: toUtf8(key), value: toUtf8(value) });
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.unreachable("the call succeeds"),
    (error: unknown) => error as EtcdError,
  );

describe("kv", () => {
  test("what was put is read back, with its revisions", async () => {
    const { header } = await put("kv/a", "1");
    const { kvs, count } = await client.kv.range({ key: toUtf8("kv/a") });
    expect(count).toBe(1);
    expect(kvs[0]).toMatchObject({
      key: toUtf8("kv/a"),
      value: toUtf8("1"),
      modRevision: header?.revision,
      version: 1,
    });
  });

  test("a prefix is ranged over, and deleted", async () => {
    for (const key of ["range/a", "range/b", "range/c"]) await put(key, key);
    const all = { key: toUtf8("range/"), rangeEnd: prefixEnd("range/") };
    const { kvs, count, more } = await client.kv.range({ ...all, limit: 2 });
    expect(kvs.map(({ key }) => fromUtf8(key))).toEqual(["range/a", "range/b"]);
    expect({ count, more }).toEqual({ count: 3, more: true });
    const { deleted, prevKvs } = await client.kv.deleteRange({ ...all, prevKv: true });
    expect([deleted, prevKvs.length]).toEqual([3, 3]);
  });

  test("a transaction takes its branch, and its inner headers are there", async () => {
    const key = toUtf8("txn/a");
    const create = () =>
      client.kv.txn({
        compare: [{ target: CompareTarget.CREATE, key, createRevision: 0 }],
        success: [{ requestPut: { key, value: toUtf8("made") } }],
        failure: [{ requestRange: { key } }],
      });
    const first = await create();
    expect(first.succeeded).toBe(true);
    expect(first.responses[0]?.responsePut?.header?.revision).toBe(first.header?.revision);
    const second = await create();
    expect(second.succeeded).toBe(false);
    expect(second.responses[0]?.responseRange?.kvs[0]?.value).toEqual(toUtf8("made"));
  });

  test("a megabyte goes there and back", async () => {
    const value = new Uint8Array(1_400_000).map((_, i) => i * 7);
    await client.kv.put({ key: toUtf8("large"), value });
    const { kvs } = await client.kv.range({ key: toUtf8("large") });
    expect(Buffer.compare(kvs[0]?.value as Uint8Array, value)).toBe(0);
  });

  test("many calls at once each get their own answer", async () => {
    const keys = Array.from({ length: 500 }, (_, i) => `many/${i}`);
    await Promise.all(keys.map((key) => put(key, key)));
    const answers = await Promise.all(keys.map((key) => client.kv.range({ key: toUtf8(key) })));
    expect(answers.map(({ kvs }) => fromUtf8(kvs[0]?.value as Uint8Array))).toEqual(keys);
  });

  test("errors are etcd's, by name", async () => {
    const error = await failure(client.kv.range({ key: toUtf8("a"), revision: 1_000_000 }));
    expect(error).toBeInstanceOf(EtcdError);
    expect(error).toMatchObject({ code: Status.OutOfRange, etcdCode: "FutureRev", maybeApplied: false });
    expect(error.message).toBe("etcdserver: mvcc: required revision is a future revision");
    expect(await failure(client.kv.put({ key: toUtf8("a"), lease: 77n }))).toMatchObject({ etcdCode: "LeaseNotFound" });
  });

  test("a server without RangeStream says so", async () => {
    const chunks = client.kv.rangeStream({ key: toUtf8("a") })[Symbol.asyncIterator]();
    expect(await failure(chunks.next())).toMatchObject({ code: Status.Unimplemented });
  });

  test("a call can be given up", async () => {
    const aborted = new AbortController();
    const call = client.kv.range({ key: toUtf8("a") }, { signal: aborted.signal });
    aborted.abort(new Error("no longer wanted"));
    expect(await failure(call)).toMatchObject({ message: "no longer wanted" });
  });
});

describe("watch", () => {
  test("events come in order, from the past on, with what was before", async () => {
    const first = (await put("watch/a", "1")).header?.revision as number;
    await put("watch/a", "2");
    const watch = client.watch.iterate({ key: toUtf8("watch/a"), startRevision: first, prevKv: true });
    const events: Event[] = [];
    const collect = async (count: number) => {
      while (events.length < count) {
        const { value } = await watch.next();
        if (value?.kind === "events") events.push(...value.events);
      }
    };
    await collect(2);
    await client.kv.deleteRange({ key: toUtf8("watch/a") });
    await collect(3);
    expect(events.map(({ type, kv }) => [type, kv && fromUtf8(kv.value), kv?.modRevision])).toEqual([
      [EventType.PUT, "1", first],
      [EventType.PUT, "2", first + 1],
      [EventType.DELETE, "", first + 2],
    ]);
    expect(events.map(({ prevKv }) => prevKv && fromUtf8(prevKv.value))).toEqual([undefined, "1", "2"]);
    await watch.return?.();
  });

  test("watchers share a stream, and each gets its own", async () => {
    const seen: string[] = [];
    const done = new Deferred<void>();
    const created = [new Deferred<void>(), new Deferred<void>()];
    const watchers = ["share/a", "share/b"].map((key, i) =>
      client.watch.open(
        { key: toUtf8(key) },
        {
          onCreated: () => created[i]?.resolve(),
          onEvents: (events) => {
            seen.push(...events.map(({ kv }) => `${key}: ${fromUtf8(kv?.key as Uint8Array)}`));
            if (seen.length === 2) done.resolve();
          },
          onEnd: (end) => done.reject(new Error(end.kind)),
        },
      ),
    );
    await Promise.all(created.map(({ promise }) => promise));
    await put("share/b", "1");
    await put("share/a", "1");
    await done.promise;
    expect(seen).toEqual(["share/b: share/b", "share/a: share/a"]);
    for (const watcher of watchers) watcher.close();
  });

  test("progress is told on request", async () => {
    const watch = client.watch.iterate({ key: toUtf8("progress") });
    expect((await watch.next()).value).toMatchObject({ kind: "created" });
    const revision = (await put("elsewhere", "1")).header?.revision as number;
    client.watch.requestProgress();
    const { value } = (await watch.next()) as { value: WatchBatch };
    expect(value.kind).toBe("progress");
    expect(value.revision).toBeGreaterThanOrEqual(revision);
    await watch.return?.();
  });

  test("a watch from before a compaction ends, saying where history begins", async () => {
    const old = (await put("compact/a", "1")).header?.revision as number;
    const now = (await put("compact/a", "2")).header?.revision as number;
    await client.kv.compact({ revision: now });
    const watch = client.watch.iterate({ key: toUtf8("compact/a"), startRevision: old });
    await watch.next();
    const error = (await failure(watch.next())) as CompactedError;
    expect(error).toBeInstanceOf(CompactedError);
    expect(error.compactRevision).toBe(now);
    expect(error.etcdCode).toBe("Compacted");
  });

  test("a watch of nothing is refused, and the others go on", async () => {
    const good = client.watch.iterate({ key: toUtf8("good") });
    await good.next();
    const bad = client.watch.iterate({ key: toUtf8("b"), rangeEnd: toUtf8("a") });
    expect(await failure(bad.next())).toMatchObject({ code: Status.Canceled });
    await put("good", "1");
    expect((await good.next()).value).toMatchObject({ kind: "events" });
    await good.return?.();
  });

  test("a watch can be given up", async () => {
    const aborted = new AbortController();
    const watch = client.watch.iterate({ key: toUtf8("give-up") }, aborted.signal);
    await watch.next();
    const next = watch.next();
    aborted.abort(new Error("enough"));
    expect(await failure(next)).toMatchObject({ message: "enough" });
  });
});

describe("lease", () => {
  test("keys live and die with their lease", async () => {
    const { id, ttl } = await client.lease.grant(60);
    expect(ttl).toBe(60);
    await client.kv.put({ key: toUtf8("leased"), value: toUtf8("1"), lease: id });
    expect(await client.lease.timeToLive(id, { keys: true })).toMatchObject({
      grantedTTL: 60,
      keys: [toUtf8("leased")],
    });
    expect((await client.lease.leases()).leases).toContainEqual({ id });
    expect((await client.lease.keepAliveOnce(id)).ttl).toBe(60);
    await client.lease.revoke(id);
    expect((await client.kv.range({ key: toUtf8("leased") })).count).toBe(0);
    expect(await failure(client.lease.keepAliveOnce(id))).toMatchObject({ etcdCode: "LeaseNotFound" });
  });

  test("a lease is kept alive until it is revoked, which its holder learns", async () => {
    const { id } = await client.lease.grant(2);
    const renewed = [new Deferred<number>(), new Deferred<number>()];
    const lost = new Deferred<Error>();
    let renewals = 0;
    client.lease.keepAlive(id, {
      onRenewed: (ttl) => renewed[renewals++]?.resolve(ttl),
      onLost: (error) => lost.resolve(error),
    });
    expect(await Promise.all(renewed.map(({ promise }) => promise))).toEqual([2, 2]);
    await client.lease.revoke(id);
    expect(await lost.promise).toMatchObject({ etcdCode: "LeaseNotFound" });
  });
});

describe("cluster and maintenance", () => {
  test("a member tells of itself and of the others", async () => {
    const { members, header } = await client.cluster.memberList();
    expect(members.map(({ name, clientURLs }) => [name, clientURLs])).toEqual([["m0", [etcd.endpoints[0]]]]);
    const status = await client.maintenance.status({ endpoint: etcd.endpoints[0] as string });
    expect(status.leader).toBe(members[0]?.id);
    expect(status.header?.memberId).toBe(header?.memberId);
    expect(status.version).toMatch(/^3\.\d+\.\d+$/);
    expect((await client.maintenance.hashKv()).hash).toBeGreaterThan(0);
    expect((await client.maintenance.alarm({ alarm: AlarmType.NONE })).alarms).toEqual([]);
    expect(await failure(client.maintenance.moveLeader(1n))).toMatchObject({ etcdCode: "BadLeaderTransferee" });
  });

  test("a snapshot is streamed whole", async () => {
    let bytes = 0;
    for await (const { blob, remainingBytes } of client.maintenance.snapshot()) {
      bytes += blob.length;
      if (remainingBytes === 0) break;
    }
    expect(bytes % 512).toBe(0);
    expect(bytes).toBeGreaterThan(16_384);
  });
});

test("over TLS a server is known by its authority, and refused without", async () => {
  const secure = await startEtcd({ tls: true });
  const ca = readFileSync(join(secure.members[0]?.dataDir as string, "fixtures/client/cert.pem"));
  const trusting = connect({ endpoints: secure.endpoints, tls: { ca } });
  const suspicious = connect({ endpoints: secure.endpoints });
  try {
    await put("tls", "1", trusting);
    const error = await failure(suspicious.kv.range({ key: toUtf8("tls") }, { timeoutMs: 500 }));
    expect(error).toMatchObject({ code: Status.Unavailable });
    expect(error.message).toMatch(/self.signed certificate/);
  } finally {
    await trusting.close();
    await suspicious.close();
    await secure.stop();
  }
});
