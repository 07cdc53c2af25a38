import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { etcdctl, flotilla, portsFor, StoreCluster, StoreMember } from "./store-cluster.ts";
import { eventually } from "./support/eventually.ts";

const firstPort = portsFor(19) + 10;
const url = (port: number) => `http://127.0.0.1:${port}`;
const cluster = new StoreCluster(flotilla, firstPort, 1, ["--auto-promote-learners", "--max-learners", "2"]);
const joined: StoreMember[] = [];

afterAll(async () => {
  await Promise.all(joined.map((member) => member.end()));
  await cluster.remove();
});

/** A member that joins, at the ports of slot `at`. */
function joining(name: string, at: number): StoreMember {
  const [client, peer] = [url(firstPort + 2 * at), url(firstPort + 2 * at + 1)];
  const initial = ["m0", "m1", "m2"].map((one, slot) => `${one}=${url(firstPort + 2 * slot + 1)}`).join(",");
  const dataDir = join(cluster.directory, name);
  const member = new StoreMember(flotilla, name, dataDir, client, [
    ...["--name", name, "--data-dir", dataDir, "--listen-client-urls", client, "--advertise-client-urls", client],
    ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
    ...["--initial-cluster", initial, "--initial-cluster-state", "existing"],
  ]);
  joined.push(member);
  return member;
}

const run = async (...args: string[]) => {
  const { code, stdout, stderr } = await etcdctl(url(firstPort), args);
  expect(code, stderr).toBe(0);
  return stdout;
};

test("two learners become voters by themselves, and not before they have what the leader has", async () => {
  await cluster.start();
  for (let at = 0; at < 20; at++) await run("put", `k${at}`, "v".repeat(500));
  await run("member", "add", "m1", "--learner", `--peer-urls=${url(firstPort + 3)}`);
  await run("member", "add", "m2", "--learner", `--peer-urls=${url(firstPort + 5)}`);
  expect((await run("member", "list")).match(/, true$/gm)).toHaveLength(2);
  await Promise.all([joining("m1", 1).start(), joining("m2", 2).start()]);
  await eventually("nobody is a learner", async () => !/, true$/m.test(await run("member", "list")));
  // They count: with one of them gone the other is the quorum's half, and both know of all.
  await joined[0]!.end();
  await run("put", "after", "1");
  expect((await etcdctl(joined[1]!.clientUrl, ["get", "after"])).stdout).toBe("after\n1\n");
  expect(cluster.members[0]!.output).toContain("promoted learners that have caught up");
  await joined[0]!.start();
  expect((await etcdctl(joined[0]!.clientUrl, ["get", "k19", "--print-value-only"])).stdout.trim()).toHaveLength(500);
});
