// A cluster taken down one minor version, as etcd 3.6 and later do it: allowed first, then member by member.
import { afterAll, expect, test } from "vitest";
import { toUtf8 } from "../base/mod.ts";
import { connect } from "../kvstore/client/mod.ts";
import { DowngradeAction } from "../proto/mod.ts";
import { flotilla, portsFor, StoreCluster } from "./store-cluster.ts";
import { eventually } from "./support/eventually.ts";

const clusters: StoreCluster[] = [];
afterAll(() => Promise.all(clusters.map((cluster) => cluster.remove())));

/** The same member, of another version. */
function member(version: string): StoreCluster {
  const dataDir = clusters[0] === undefined ? [] : ["--data-dir", clusters[0].members[0]!.dataDir];
  const cluster = new StoreCluster(
    { ...flotilla, extraArgs: ["--reported-version", version] },
    portsFor(3),
    1,
    dataDir,
  );
  clusters.push(cluster);
  return cluster;
}

test("validate, enable, restart with the lower version; before, and further down, is refused", async () => {
  const before = member("3.7.1");
  await before.start();
  const { kv, maintenance, close } = connect({ endpoints: [before.endpoints] });
  await eventually("a cluster version", async () => {
    const versions = await (await fetch(`${before.endpoints}/version`)).text();
    return versions.includes('"etcdcluster":"3.7.0"');
  });
  await kv.put({ key: toUtf8("a"), value: toUtf8("1") });
  const ask = (action: DowngradeAction, version = "") => maintenance.downgrade({ action, version });
  const { VALIDATE, ENABLE, CANCEL } = DowngradeAction;

  await expect(ask(VALIDATE, "three")).rejects.toThrow("etcdserver: wrong downgrade target version format");
  await expect(ask(VALIDATE, "3.5.0")).rejects.toThrow("etcdserver: invalid downgrade target version");
  await expect(ask(ENABLE, "3.7.0")).rejects.toThrow("etcdserver: invalid downgrade target version");
  await expect(ask(CANCEL)).rejects.toThrow("etcdserver: no inflight downgrade job");
  expect(await ask(VALIDATE, "3.6")).toMatchObject({ version: "3.7", header: { revision: 2 } });
  const enabled = async () => (await fetch(`${before.endpoints}/downgrade/enabled`)).text();
  expect(await enabled()).toBe("false");

  await before.members[0]!.end("SIGTERM");
  await expect(member("3.6.5").start()).rejects.toThrow(
    /invalid downgrade; server version is lower than determined cluster version/,
  );
  await before.start();

  expect(await ask(ENABLE, "3.6.0")).toMatchObject({ version: "3.7" });
  expect(await enabled()).toBe("true");
  await expect(ask(ENABLE, "3.6.0")).rejects.toThrow(
    /cluster has a downgrade job in progress|invalid downgrade target version/,
  );
  const going = await eventually("the storage of 3.6", async () => {
    const status = await maintenance.status();
    return status.storageVersion === "3.6.0" && status;
  });
  expect(going).toMatchObject({ version: "3.7.1", downgradeInfo: { enabled: true, targetVersion: "3.6.0" } });

  await before.members[0]!.end("SIGTERM");
  const after = member("3.6.5");
  await after.start();
  await eventually(
    "the end of the downgrade",
    async () => (await maintenance.status()).downgradeInfo?.enabled === false,
  );
  expect(after.members[0]!.output).toContain("the cluster has been downgraded");
  expect(await maintenance.status()).toMatchObject({ version: "3.6.5", storageVersion: "3.6.0" });
  expect((await kv.range({ key: toUtf8("a") })).kvs).toHaveLength(1);
  await close();
});
