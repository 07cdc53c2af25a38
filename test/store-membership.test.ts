import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { etcdctl, flotilla, portsFor, StoreCluster, StoreMember } from "./store-cluster.ts";
import { eventually } from "./support/eventually.ts";

const firstPort = portsFor(18);
const cluster = new StoreCluster(flotilla, firstPort);
const added: StoreMember[] = [];

afterAll(async () => {
  await Promise.all(added.map((member) => member.end()));
  await cluster.remove();
});

/** A member that joins: on the ports of slot `at`, told of the members of `names`. */
function joining(name: string, at: number, names: readonly string[]): StoreMember {
  const url = (port: number) => `http://127.0.0.1:${port}`;
  const [client, peer] = [url(firstPort + 2 * at), url(firstPort + 2 * at + 1)];
  const initial = names.map((one, slot) => `${one}=${url(firstPort + 2 * slot + 1)}`).join(",");
  const dataDir = join(cluster.directory, `${name}-joined`);
  const member = new StoreMember(flotilla, name, dataDir, client, [
    ...["--name", name, "--data-dir", dataDir, "--listen-client-urls", client, "--advertise-client-urls", client],
    ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
    ...["--initial-cluster", initial, "--initial-cluster-state", "existing"],
  ]);
  added.push(member);
  return member;
}

interface Listed {
  readonly id: string;
  readonly status: string;
  readonly name: string;
  readonly isLearner: string;
}

async function members(): Promise<Listed[]> {
  const { stdout } = await etcdctl(cluster.members[0]!.clientUrl, ["member", "list"]);
  return stdout
    .trim()
    .split("\n")
    .map((line) => line.split(", "))
    .map(([id = "", status = "", name = "", , , isLearner = ""]) => ({ id, status, name, isLearner }));
}

const run = (...args: string[]) => etcdctl(cluster.members[0]!.clientUrl, args);

test("a member is replaced: removed, it stops; added again under its URL, with an empty disk, it catches up", async () => {
  await cluster.start();
  await run("put", "a", "1");
  const third = cluster.members[2]!;
  const { id } = (await members()).find(({ name }) => name === "m2")!;
  // The strict check wants the others to have been connected for 5 s.
  await eventually("removing it", async () => (await run("member", "remove", id)).code === 0);
  await eventually("the removed member ends", () => third.output.includes("was removed from the cluster"));
  await third.end();
  rmSync(third.dataDir, { recursive: true });
  await eventually(
    "adding it",
    async () => (await run("member", "add", "m2", `--peer-urls=http://127.0.0.1:${firstPort + 5}`)).code === 0,
  );
  expect((await members()).find(({ status }) => status === "unstarted")).toMatchObject({ name: "" });
  const again = joining("m2", 2, ["m0", "m1", "m2"]);
  await again.start();
  expect((await members()).map(({ name, status }) => `${name} ${status}`).sort()).toEqual([
    "m0 started",
    "m1 started",
    "m2 started",
  ]);
  expect((await etcdctl(again.clientUrl, ["get", "a"])).stdout).toBe("a\n1\n");
});

test("a learner follows, answers serializable reads only, and is promoted through any member", async () => {
  const learnerUrl = `--peer-urls=http://127.0.0.1:${firstPort + 7}`;
  await eventually("adding it", async () => (await run("member", "add", "l", "--learner", learnerUrl)).code === 0);
  const second = await run("member", "add", "l2", "--learner", `--peer-urls=http://127.0.0.1:${firstPort + 9}`);
  expect(second.stderr).toContain("etcdserver: too many learner members in cluster");
  const learner = joining("l", 3, ["m0", "m1", "m2", "l"]);
  await learner.start();
  expect((await etcdctl(learner.clientUrl, ["get", "a"])).stderr).toContain(
    "etcdserver: rpc not supported for learner",
  );
  expect((await etcdctl(learner.clientUrl, ["get", "a", "--consistency", "s"])).stdout).toBe("a\n1\n");
  const { id } = (await members()).find(({ name }) => name === "l")!;
  const leader = await cluster.leader();
  const follower = cluster.members.find((member) => member !== leader)!;
  expect((await etcdctl(follower.clientUrl, ["member", "promote", id])).code).toBe(0);
  expect((await members()).find(({ name }) => name === "l")).toMatchObject({ isLearner: "false" });
  expect((await etcdctl(learner.clientUrl, ["get", "a"])).stdout).toBe("a\n1\n");
  const twice = await etcdctl(leader.clientUrl, ["member", "promote", id]);
  expect(twice.stderr).toContain("etcdserver: can only promote a learner member");
});
