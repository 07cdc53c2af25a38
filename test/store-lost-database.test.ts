import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { toUtf8 } from "../base/mod.ts";
import { connect } from "../kvstore/client/mod.ts";
import { etcdctl, flotilla, portsFor, StoreCluster, type StoreMember } from "./store-cluster.ts";
import { eventually } from "./support/eventually.ts";

const cluster = new StoreCluster(flotilla, portsFor(10) + 10, 3, [
  ...["--snapshot-count", "20", "--snapshot-catchup-entries", "5", "--max-wals", "1"],
]);

afterAll(() => cluster.remove());

const run = async (endpoint: string, ...args: string[]) => {
  const { code, stdout, stderr } = await etcdctl(endpoint, args);
  expect(code, stderr).toBe(0);
  return stdout;
};

/** The beginning of its log is gone: its state is nowhere but in its database. */
const logIsCut = ({ dataDir }: StoreMember) =>
  !readdirSync(join(dataDir, "member", "wal")).some((name) => name.startsWith("0000000000000000-"));

test("a member whose database is lost, and whose log is not, gets it back from the leader under its own name", async () => {
  await cluster.start();
  const client = connect({ endpoints: cluster.members.map(({ clientUrl }) => clientUrl) });
  const value = new Uint8Array(1_400_000).fill(120);
  let keys = 0;
  await eventually("logs that begin in the middle", async () => {
    for (let at = 0; at < 10; at++) await client.kv.put({ key: toUtf8(`k${keys++}`), value });
    return cluster.members.every(logIsCut);
  });
  await client.close();
  const leader = await cluster.leader();
  const member = cluster.members.find((one) => one !== leader)!;
  await member.end("SIGKILL");
  writeFileSync(join(member.dataDir, "member", "snap", "db", "0", "CURRENT"), "nonsense");
  await expect(member.start()).rejects.toThrow(/the database in .* cannot be opened .*Move that directory away/);
  rmSync(join(member.dataDir, "member", "snap"), { recursive: true });
  await run(leader.clientUrl, "put", "meanwhile", "1");
  await member.start();
  expect(member.output).toContain("the database is missing or too old");
  expect(await run(member.clientUrl, "get", "meanwhile")).toBe("meanwhile\n1\n");
  // It is whole: after another restart too, and then the other follower is not needed.
  await member.end("SIGKILL");
  await member.start();
  await cluster.members.find((one) => one !== leader && one !== member)!.end("SIGKILL");
  await run(leader.clientUrl, "put", "after", "1");
  expect(await run(member.clientUrl, "get", "after")).toBe("after\n1\n");
  const found = await run(member.clientUrl, "get", "k", "--prefix", "--keys-only");
  expect(found.match(/^k\d+$/gm)).toHaveLength(keys);
});
