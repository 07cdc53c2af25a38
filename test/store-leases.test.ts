import { afterAll, expect, test } from "vitest";
import { toUtf8 } from "../base/mod.ts";
import { connect } from "../kvstore/client/mod.ts";
import { etcdctl, flotilla, portsFor, StoreCluster, type StoreMember } from "./store-cluster.ts";
import { eventually } from "./support/eventually.ts";

const ttl = 3;
const firstPort = portsFor(11) + 10;
const cluster = new StoreCluster(flotilla, firstPort);
const failpointsOf = (member: StoreMember) => `127.0.0.1:${firstPort + 6 + cluster.members.indexOf(member)}`;

afterAll(() => cluster.remove());

async function startWithFailpoints(): Promise<void> {
  const started = cluster.members.map((member) => {
    process.env.GOFAIL_HTTP = failpointsOf(member);
    return member.start();
  });
  delete process.env.GOFAIL_HTTP;
  await Promise.all(started);
}

const held = async ({ clientUrl }: StoreMember) => (await etcdctl(clientUrl, ["get", "held"])).stdout === "held\n1\n";

// etcd#15247: a leader stalls at its disk, its leases run out by its clock, and meanwhile their owners renew them at its successor.
test("a leader that stalled for longer than a lease lasts does not end it: another one has renewed it", async () => {
  await startWithFailpoints();
  const old = await cluster.leader();
  const others = cluster.members.filter((member) => member !== old);
  const client = connect({ endpoints: others.map(({ clientUrl }) => clientUrl) });
  const { id } = await client.lease.grant(ttl);
  await client.kv.put({ key: toUtf8("held"), value: toUtf8("1"), lease: id });
  const renewal = client.lease.keepAlive(id);
  const stall = { method: "PUT", body: '1*sleep("8s")' };
  expect((await fetch(`http://${failpointsOf(old)}/raftBeforeSave`, stall)).status).toBe(204);
  await client.kv.put({ key: toUtf8("stall"), value: toUtf8("1") }).catch(() => undefined);
  await eventually("another leader", () => others.some(({ output }) => /"leadership","role":"leader"/.test(output)));
  await eventually("the old leader follows", async () => (await etcdctl(old.clientUrl, ["get", "stall"])).code === 0);
  for (let at = 0; at < 5; at++) for (const member of cluster.members) expect(await held(member)).toBe(true);
  renewal.close();
  await client.close();
  await eventually("the lease ends when nobody renews it", async () => !(await held(others[0]!)));
});
