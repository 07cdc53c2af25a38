import { afterAll, beforeAll, expect, test } from "vitest";
import { Deferred, fromUtf8, toUtf8 } from "../../base/mod.ts";
import { connect } from "./connect.ts";
import { type Etcd, type EtcdMember, startEtcd } from "./etcd.testing.ts";
import type { EtcdClient } from "./types.ts";

let etcd: Etcd;
let client: EtcdClient;

beforeAll(async () => {
  etcd = await startEtcd({ members: 3, flags: ["--heartbeat-interval=50", "--election-timeout=500"] });
  client = connect({ endpoints: etcd.endpoints });
});

afterAll(async () => {
  await client?.close();
  await etcd?.stop();
});

/** The member that `client` is using. */
async function memberInUse(): Promise<EtcdMember> {
  const { header } = await client.maintenance.status();
  const { members } = await client.cluster.memberList();
  const name = members.find(({ id }) => id === header?.memberId)?.name;
  return etcd.members[Number(name?.slice(1))] as EtcdMember;
}

test("reads, watches and leases go on when the member in use is killed; no event is lost or told twice", async () => {
  const { id: lease } = await client.lease.grant(3);
  let renewed = new Deferred<number>();
  const kept = client.lease.keepAlive(lease, { onRenewed: (ttl) => renewed.resolve(ttl) });
  expect(await renewed.promise).toBe(3);

  const seen: string[] = [];
  const complete = new Deferred<void>();
  const created = new Deferred<void>();
  client.watch.open(
    { key: toUtf8("n"), rangeEnd: toUtf8("o") },
    {
      onCreated: () => created.resolve(),
      onEvents: (events) => {
        for (const { kv } of events) seen.push(fromUtf8(kv?.key as Uint8Array));
        if (seen.includes("n39")) complete.resolve();
      },
      onEnd: (end) => complete.reject(new Error(end.kind)),
    },
  );
  await created.promise;

  const written: string[] = [];
  const write = async (key: string) => {
    // A put of one key and value may be repeated at will; the client, which cannot know that, leaves it to us.
    for (;;) {
      try {
        await client.kv.put({ key: toUtf8(key), value: toUtf8(key) }, { timeoutMs: 5000 });
        written.push(key);
        return;
      } catch (error) {
        expect(error).toMatchObject({ name: "EtcdError", maybeApplied: true });
      }
    }
  };
  for (let i = 0; i < 20; i++) await write(`n${i}`);
  const victim = await memberInUse();
  await victim.kill("SIGKILL");
  expect((await client.kv.range({ key: toUtf8("n19") })).count).toBe(1);
  for (let i = 20; i < 40; i++) await write(`n${i}`);
  await complete.promise;
  // A repeated put is an event of its own; each key was told at least once, in the order of writing.
  expect([...new Set(seen)]).toEqual(written);
  renewed = new Deferred();
  expect(await renewed.promise).toBe(3);
  kept.close();
  await victim.restart();
});

test("a write to a member that dies under it is not sent again", async () => {
  const attempts = 300;
  const key = toUtf8("counter");
  await client.kv.put({ key, value: toUtf8("0") });
  const before = (await client.kv.range({ key })).kvs[0]?.version as number;
  const victim = await memberInUse();
  const writes = Array.from({ length: attempts }, (_, i) =>
    client.kv.put({ key, value: toUtf8(String(i)) }).then(
      () => "acknowledged" as const,
      ({ maybeApplied }) => (maybeApplied ? ("unknown" as const) : ("refused" as const)),
    ),
  );
  await victim.kill("SIGKILL");
  const outcomes = await Promise.all(writes);
  const count = (kind: string) => outcomes.filter((outcome) => outcome === kind).length;
  const applied = ((await client.kv.range({ key })).kvs[0]?.version as number) - before;
  expect(applied).toBeGreaterThanOrEqual(count("acknowledged"));
  expect(applied).toBeLessThanOrEqual(count("acknowledged") + count("unknown"));
  await victim.restart();
});

test("without any member, calls fail as unavailable, in time, and nothing was applied", async () => {
  const nobody = connect({ endpoints: ["127.0.0.1:1", "unix:///nonexistent"] });
  const error = await nobody.kv.put({ key: toUtf8("k") }, { timeoutMs: 300 }).catch((error) => error);
  expect(error).toMatchObject({ name: "EtcdError", maybeApplied: false });
  expect(error.message).toMatch(/ECONNREFUSED.*ENOENT|ENOENT.*ECONNREFUSED/);
  await nobody.close();
});

test("an endpoint that is none is refused at once", () => {
  expect(() => connect({ endpoints: ["ftp://x"] })).toThrow('"ftp://x" is not an endpoint');
});
