// A database that is full, ours and Debian's etcd's: what is refused, what is not, and how it ends.
import { afterAll, describe, expect, test } from "vitest";
import { toUtf8 } from "../base/mod.ts";
import { connect } from "../kvstore/client/mod.ts";
import { debianEtcd, etcdctl, flotilla, portsFor, StoreCluster } from "./store-cluster.ts";
import { eventually } from "./support/eventually.ts";

const full = ["--quota-backend-bytes", "1"];
const clusters = [flotilla, debianEtcd].map((kind, at) => new StoreCluster(kind, portsFor(2 + 17 * at), 1, full));

afterAll(() => Promise.all(clusters.map((cluster) => cluster.remove())));

const refused = "etcdserver: mvcc: database space exceeded";

describe.each(clusters.map((cluster, at) => [["flotilla", "etcd"][at], cluster] as const))("%s", (_name, cluster) => {
  const ctl = (...args: string[]) => etcdctl(cluster.endpoints, args);

  test.each([
    ["put", ["put", "a", "1"]],
    ["lease", ["lease", "grant", "60"]],
  ])("a %s that does not fit is refused and raises the alarm", async (_what, command) => {
    if (cluster.members[0]?.pid === undefined) await cluster.start();
    expect((await ctl(...command)).stderr).toContain(refused);
    expect((await ctl("alarm", "list")).stdout).toMatch(/^memberID:\d+ alarm:NOSPACE/);
    expect(await ctl("get", "a")).toMatchObject({ code: 0, stdout: "" });
    expect((await ctl("del", "a")).stdout).toBe("0\n");
    expect((await ctl("alarm", "disarm")).stdout).toMatch(/alarm:NOSPACE/);
    expect((await ctl("alarm", "list")).stdout).toBe("");
  });
});

test("here the alarm ends by itself when keys are deleted and compacted, and /livez never minds it", async () => {
  const cluster = new StoreCluster(flotilla, portsFor(18), 1, ["--quota-backend-bytes", String(4 << 20)]);
  clusters.push(cluster);
  await cluster.start();
  const { kv, close } = connect({ endpoints: [cluster.endpoints] });
  const value = new Uint8Array(256 * 1024).map((_, at) => (at * 7919) ^ (at >> 3));
  const fill = async () => {
    for (let at = 0; at < 100; at++) await kv.put({ key: toUtf8(`big/${at}`), value });
  };
  await expect(fill()).rejects.toThrow(refused);
  const http = async (path: string) => (await fetch(`${cluster.endpoints}${path}`)).status;
  expect([await http("/health"), await http("/livez"), await http("/readyz")]).toEqual([503, 200, 200]);
  const { header } = await kv.deleteRange({ key: toUtf8("big/"), rangeEnd: toUtf8("big0") });
  await expect(kv.put({ key: toUtf8("a"), value })).rejects.toThrow(refused);
  await kv.compact({ revision: header!.revision });
  await eventually("space", () => kv.put({ key: toUtf8("a"), value }), 20_000);
  expect((await etcdctl(cluster.endpoints, ["alarm", "list"])).stdout).toBe("");
  expect(await http("/health")).toBe(200);
  await close();
});
