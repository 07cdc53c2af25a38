// A database that is full, ours and Debian's etcd's: what is refused, what is not, and how it ends.
import { afterAll, describe, expect, test } from "vitest";
import { debianEtcd, etcdctl, flotilla, portsFor, StoreCluster } from "./store-cluster.ts";

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
